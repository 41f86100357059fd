import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** What makes a server of the tests go for 127.0.0.1 and `localhost`, with those who trust it. */
export interface Identity {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** The file of the certificate. */
  readonly certificate: string;
}

/** A certificate that vouches for itself, in a file of a folder. */
export async function identify(folder: string): Promise<Identity> {
  const { private: key, cert } = await generate(
    [{ name: 'commonName', value: 'loopback of the tests' }],
    {
      keyType: 'ec',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', digitalSignature: true, keyCertSign: true, critical: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 7, ip: '127.0.0.1' },
            { type: 2, value: 'localhost' },
          ],
        },
      ],
    },
  );
  const certificate = join(folder, 'certificate.pem');
  writeFileSync(certificate, cert);
  return { key, cert, certificate };
}
