import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import {
  type BaseBlock,
  BitString,
  Boolean as Bool,
  Constructed,
  fromBER,
  Integer,
  ObjectIdentifier,
  OctetString,
  Primitive,
  Sequence,
  Set as SetOf,
  UTCTime,
  Utf8String,
} from 'asn1js';

/** An authority whose key is in the memory of this process, and nowhere else. */
export interface Authority {
  /** Its certificate, PEM. */
  readonly certificate: string;
  /** What makes a server of this process go for a host, a name or an address. */
  readonly identityOf: (host: string) => SecureContext;
}

type Value = BaseBlock;

const names = { authority: 'pip-accel, for one run', server: 'pip-accel' } as const;
const day = 24 * 3600_000;

const ids = {
  commonName: '2.5.4.3',
  subjectKey: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKey: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

/** Bits of the key usage, from the first on. */
const usages = { digitalSignature: [0x80, 7], signCertificates: [0x04, 2] } as const;

/**
 * Makes an authority and its certificate (RFC 5280, as strict as Python 3.13 reads it): P-256,
 * because a key of it costs less than a millisecond and every Python from 2.7 on takes it.
 */
export function createAuthority(): Authority {
  const authority = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const server = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const identifier = keyIdentifier(authority.publicKey);
  const certificate = certify(
    { name: names.authority, key: authority.publicKey },
    authority.privateKey,
    [
      extension(ids.basicConstraints, sequence(new Bool({ value: true }), integer(0)), true),
      extension(ids.keyUsage, bits(usages.signCertificates), true),
      extension(ids.subjectKey, octets(identifier)),
    ],
  );
  const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' });
  const known = new Map<string, SecureContext>();
  const issue = (host: string) =>
    certify({ name: names.server, key: server.publicKey }, authority.privateKey, [
      extension(ids.basicConstraints, sequence(), true),
      extension(ids.keyUsage, bits(usages.digitalSignature), true),
      extension(ids.extendedKeyUsage, sequence(objectId(ids.serverAuthentication))),
      extension(ids.subjectKey, octets(keyIdentifier(server.publicKey))),
      extension(ids.authorityKey, sequence(tagged(0, identifier))),
      extension(ids.alternativeName, sequence(alternativeName(host))),
    ]);
  return {
    certificate,
    identityOf: (host) => {
      const context = known.get(host) ?? createSecureContext({ key, cert: issue(host) });
      known.set(host, context);
      return context;
    },
  };
}

/** A certificate of version 3 in PEM, with the authority's name for issuer. */
function certify(
  subject: { readonly name: string; readonly key: KeyObject },
  signer: KeyObject,
  extensions: readonly Value[],
): string {
  const algorithm = sequence(objectId(ids.ecdsaWithSha256));
  const now = Date.now();
  const content = sequence(
    context(0, integer(2)),
    new Integer({ valueHex: positive(randomBytes(15)) }),
    algorithm,
    distinguishedName(names.authority),
    sequence(time(now - day), time(now + 7 * day)),
    distinguishedName(subject.name),
    fromBER(subject.key.export({ type: 'spki', format: 'der' })).result,
    context(3, sequence(...extensions)),
  );
  const signature = sign('sha256', Buffer.from(content.toBER()), signer);
  const whole = sequence(content, algorithm, new BitString({ valueHex: bytes(signature) }));
  const text = Buffer.from(whole.toBER()).toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Value {
  const text = new Utf8String({ value: commonName });
  return sequence(new SetOf({ value: [sequence(objectId(ids.commonName), text)] }));
}

/** Method 1 of RFC 5280, section 4.2.1.2: the hash of the key without its algorithm. */
function keyIdentifier(key: KeyObject): Uint8Array {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65);
  return createHash('sha1').update(point).digest();
}

function alternativeName(host: string): Value {
  const family = isIP(host);
  if (family === 0) return tagged(2, Buffer.from(host, 'latin1'));
  return tagged(7, family === 4 ? Uint8Array.from(host.split('.'), Number) : ipv6(host));
}

/** @param host as a URL has it, without its brackets. */
function ipv6(host: string): Uint8Array {
  const [start = '', end] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const tail = groups(end ?? '');
  const head = groups(start);
  const between = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  const words = [...head, ...between, ...tail].map((group) => Number.parseInt(group, 16));
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

function extension(id: string, value: Value, isCritical = false): Value {
  return sequence(
    objectId(id),
    ...(isCritical ? [new Bool({ value: true })] : []),
    octets(new Uint8Array(value.toBER())),
  );
}

function bits([value, unused]: readonly [number, number]): Value {
  return new BitString({ valueHex: bytes(Uint8Array.of(value)), unusedBits: unused });
}

function sequence(...value: Value[]): Value {
  return new Sequence({ value });
}

function context(tagNumber: number, value: Value): Value {
  return new Constructed({ idBlock: { tagClass: 3, tagNumber }, value: [value] });
}

/** A value whose type its place tells. */
function tagged(tagNumber: number, value: Uint8Array): Value {
  return new Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex: bytes(value) });
}

function octets(value: Uint8Array): Value {
  return new OctetString({ valueHex: bytes(value) });
}

function integer(value: number): Value {
  return new Integer({ value });
}

function objectId(value: string): Value {
  return new ObjectIdentifier({ value });
}

function time(value: number): Value {
  return new UTCTime({ valueDate: new Date(value) });
}

/** With a first bit that makes it no negative number, and a first byte that is not left out. */
function positive(value: Uint8Array): ArrayBuffer {
  return bytes(Uint8Array.of(0x40, ...value));
}

function bytes(value: Uint8Array): ArrayBuffer {
  return new Uint8Array(value).buffer;
}
