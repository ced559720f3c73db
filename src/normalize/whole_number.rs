//! Whole numbers in whatever way they are written.

/// Reads a whole number of 64 bits: `64`, `64.0`, `8.1e10`. `None` if it is none.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| decimal(text))
}

/// Reads a number with a fraction or an exponent. Not by way of a float, which has no more than 53 bits.
fn decimal(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => ("-", mantissa),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    if significant.trim_start_matches('0').is_empty() {
        return Some(0);
    }
    // Digits before the decimal point, once the exponent is applied.
    let point = i64::try_from(whole.len()).ok()? + i64::from(exponent);
    let zeros = usize::try_from(point).ok()?.checked_sub(significant.len())?;
    // More digits than any 64-bit number has.
    (zeros < 20).then(|| format!("{sign}{significant}{}", "0".repeat(zeros)).parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_is_read_however_it_is_written() {
        for (text, number) in [
            ("64", 64),
            (" 64 ", 64),
            ("-7", -7),
            ("64.0", 64),
            ("64.000", 64),
            ("-64.0", -64),
            ("8.1e10", 81_000_000_000),
            ("8.1E+10", 81_000_000_000),
            ("81000000001.0", 81_000_000_001),
            ("8.1000000001e10", 81_000_000_001),
            ("6400e-2", 64),
            ("0.64e2", 64),
            ("0.0", 0),
            ("0e999", 0),
            ("9.223372036854775807e18", i64::MAX),
            ("-9223372036854775808.0", i64::MIN),
        ] {
            assert_eq!(parse(text), Some(number), "{text}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "x",
            "1.5",
            "64e-1",
            "1e",
            "1e1.5",
            ".5",
            "5.",
            "1.-5",
            "--1",
            "1e99",
            "1e999999999",
            "9.223372036854775808e18",
            "99999999999999999999",
            "NaN",
            "0x10",
            "1_000",
            "1e-999999999",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
