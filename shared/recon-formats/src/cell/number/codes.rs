//! Currency codes that stand beside numbers.

/// Only codes that are in use: a reference such as `INV-1234` is no number of invoices.
pub(super) fn is_code(text: &str) -> bool {
    text.as_bytes().try_into().is_ok_and(is_code_bytes)
}

/// As [`is_code`], of three bytes.
pub(super) fn is_code_bytes(bytes: &[u8; 3]) -> bool {
    let place = code_place(*bytes);
    bytes.iter().all(u8::is_ascii_uppercase) && CODE_BITS[place / 64] >> (place % 64) & 1 == 1
}

const fn code_place(code: [u8; 3]) -> usize {
    let [a, b, c] = code;
    ((a.wrapping_sub(b'A') % 32) as usize * 32 + (b.wrapping_sub(b'A') % 32) as usize) * 32
        + (c.wrapping_sub(b'A') % 32) as usize
}

/// One bit for each three letters, set where they are a code.
const CODE_BITS: [u64; 32 * 32 * 32 / 64] = {
    let mut bits = [0; 32 * 32 * 32 / 64];
    let mut index = 0;
    while index < CODES.len() {
        let place = code_place(*CODES[index]);
        bits[place / 64] |= 1 << (place % 64);
        index += 1;
    }
    bits
};

/// The codes of ISO 4217 that money is kept in, sorted.
#[rustfmt::skip]
const CODES: [&[u8; 3]; 158] = [
    b"AED", b"AFN", b"ALL", b"AMD", b"AOA", b"ARS", b"AUD", b"AWG", b"AZN", b"BAM", b"BBD", b"BDT", b"BGN", b"BHD",
    b"BIF", b"BMD", b"BND", b"BOB", b"BRL", b"BSD", b"BTN", b"BWP", b"BYN", b"BZD", b"CAD", b"CDF", b"CHF", b"CLF",
    b"CLP", b"CNH", b"CNY", b"COP", b"CRC", b"CUP", b"CVE", b"CZK", b"DJF", b"DKK", b"DOP", b"DZD", b"EGP", b"ERN",
    b"ETB", b"EUR", b"FJD", b"FKP", b"GBP", b"GEL", b"GHS", b"GIP", b"GMD", b"GNF", b"GTQ", b"GYD", b"HKD", b"HNL",
    b"HRK", b"HTG", b"HUF", b"IDR", b"ILS", b"INR", b"IQD", b"IRR", b"ISK", b"JMD", b"JOD", b"JPY", b"KES", b"KGS",
    b"KHR", b"KMF", b"KPW", b"KRW", b"KWD", b"KYD", b"KZT", b"LAK", b"LBP", b"LKR", b"LRD", b"LSL", b"LYD", b"MAD",
    b"MDL", b"MGA", b"MKD", b"MMK", b"MNT", b"MOP", b"MRU", b"MUR", b"MVR", b"MWK", b"MXN", b"MYR", b"MZN", b"NAD",
    b"NGN", b"NIO", b"NOK", b"NPR", b"NZD", b"OMR", b"PAB", b"PEN", b"PGK", b"PHP", b"PKR", b"PLN", b"PYG", b"QAR",
    b"RON", b"RSD", b"RUB", b"RWF", b"SAR", b"SBD", b"SCR", b"SDG", b"SEK", b"SGD", b"SHP", b"SLE", b"SOS", b"SRD",
    b"SSP", b"STN", b"SVC", b"SYP", b"SZL", b"THB", b"TJS", b"TMT", b"TND", b"TOP", b"TRY", b"TTD", b"TWD", b"TZS",
    b"UAH", b"UGX", b"USD", b"UYU", b"UZS", b"VED", b"VES", b"VND", b"VUV", b"WST", b"XAF", b"XCD", b"XOF", b"XPF",
    b"YER", b"ZAR", b"ZMW", b"ZWG",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_each_is_known() {
        assert!(CODES.is_sorted());
        assert!(CODES.iter().all(|code| is_code(std::str::from_utf8(*code).unwrap())));
        assert!(["INV", "AAA", "ZZZ", "eur", "E€"].iter().all(|code| !is_code(code)));
    }
}
