import forge from 'node-forge';

const { asn1 } = forge;

/** UTCTime, or GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5), in whole seconds. */
export function dateToDer(date: Date): forge.asn1.Asn1 {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return date.getUTCFullYear() < 2050
    ? asn1.create(asn1.Class.UNIVERSAL, asn1.Type.UTCTIME, false, `${digits.slice(2)}Z`)
    : asn1.create(asn1.Class.UNIVERSAL, asn1.Type.GENERALIZEDTIME, false, `${digits}Z`);
}
