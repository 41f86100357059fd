import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { Environment } from '../../config/load.ts';
import type { PipOptions } from '../../config/pip-config.ts';

/** Where distributions of Linux and macOS keep their certificates. */
const systemBundles = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * PEM texts of the authorities that are trusted, each once: both pip and Node take a tenth of a
 * millisecond for each, and Node's own are most of a system's.
 */
export async function certificates(
  options: PipOptions,
  environment: Environment,
): Promise<readonly string[]> {
  const named =
    options.value('cert') || environment['REQUESTS_CA_BUNDLE'] || environment['CURL_CA_BUNDLE'];
  if (named) return [await readFile(named, 'utf8')];
  const system = [environment['SSL_CERT_FILE'] ?? '', ...systemBundles].find(
    (path) => path !== '' && existsSync(path),
  );
  const text = system ? await readFile(system, 'utf8') : '';
  const all = [...(text.match(certificate) ?? []), ...rootCertificates];
  return [...new Map(all.map((pem) => [pem.replaceAll(/\s/g, ''), pem])).values()];
}

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The client's certificate and its key, which pip expects in one file; empty where there is none. */
export async function clientCertificate(
  options: PipOptions,
): Promise<{ readonly cert?: string; readonly key?: string }> {
  const path = options.value('client-cert');
  if (!path) return {};
  const pem = await readFile(path, 'utf8');
  return { cert: pem, key: pem };
}
