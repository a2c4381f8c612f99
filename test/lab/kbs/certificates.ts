/** A private CA and a server certificate, made for one test. */
import forge from 'node-forge';

export interface MadeCertificate {
  ca: string;
  certificate: string;
  key: string;
}

const day = 24 * 3600 * 1000;

function issue(
  subject: string,
  issuer: string,
  publicKey: forge.pki.rsa.PublicKey,
  signingKey: forge.pki.rsa.PrivateKey,
  extensions: object[],
): string {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = publicKey;
  certificate.serialNumber = `01${forge.util.bytesToHex(forge.random.getBytesSync(8))}`;
  certificate.validity.notBefore = new Date(Date.now() - day);
  certificate.validity.notAfter = new Date(Date.now() + day);
  certificate.setSubject([{ name: 'commonName', value: subject }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer }]);
  certificate.setExtensions(extensions);
  certificate.sign(signingKey, forge.md.sha256.create());
  return forge.pki.certificateToPem(certificate);
}

const keyPair = (): forge.pki.rsa.KeyPair => forge.pki.rsa.generateKeyPair({ bits: 2048 });

/** `name`: the only name in the server's certificate. */
export function makeCertificate(name: string): MadeCertificate {
  const [ca, server] = [keyPair(), keyPair()];
  return {
    ca: issue('test key broker CA', 'test key broker CA', ca.publicKey, ca.privateKey, [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ]),
    certificate: issue(name, 'test key broker CA', server.publicKey, ca.privateKey, [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ]),
    key: forge.pki.privateKeyToPem(server.privateKey),
  };
}
