//! Formats numbers, sizes and times for the language of an email.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::locale::Locale;

const INDONESIAN_MONTHS: [&str; 12] = [
    "Januari",
    "Februari",
    "Maret",
    "April",
    "Mei",
    "Juni",
    "Juli",
    "Agustus",
    "September",
    "Oktober",
    "November",
    "Desember",
];

/// Formats an integer with grouped thousands: `1,234,567` or `1.234.567`.
pub(super) fn count(number: u64, locale: Locale) -> String {
    let separator = match locale {
        Locale::En => ',',
        Locale::Id => '.',
    };
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// Formats a file size in decimal units with one decimal place: `2.4 MB` or `2,4 MB`.
pub(super) fn size(bytes: u64, locale: Locale) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    let point = match locale {
        Locale::En => '.',
        Locale::Id => ',',
    };
    format!("{}{point}{} {name}", count(tenths / 10, locale), tenths % 10)
}

/// Formats a time to the minute, with the name and the offset of the time zone:
/// `23 November 2026, 15:16 WIB (UTC+07:00)`.
pub(super) fn moment(at: Timestamp, zone: &TimeZone, locale: Locale) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    match locale {
        Locale::En => local.strftime("%-d %B %Y, %H:%M %Z (UTC%:z)").to_string(),
        Locale::Id => {
            let month = usize::try_from(local.month())
                .ok()
                .and_then(|month| INDONESIAN_MONTHS.get(month.checked_sub(1)?))
                .copied()
                .unwrap_or_default();
            format!(
                "{} {month} {}",
                local.strftime("%-d"),
                local.strftime("%Y pukul %H.%M %Z (UTC%:z)")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_by_the_language() {
        assert_eq!(count(0, Locale::En), "0");
        assert_eq!(count(999, Locale::En), "999");
        assert_eq!(count(1_000, Locale::En), "1,000");
        assert_eq!(count(12_345_678, Locale::Id), "12.345.678");
    }

    #[test]
    fn sizes_have_one_decimal_place() {
        assert_eq!(size(999, Locale::En), "999 B");
        assert_eq!(size(2_460_000, Locale::En), "2.4 MB");
        assert_eq!(size(2_460_000, Locale::Id), "2,4 MB");
        assert_eq!(size(1_200_000_000_000, Locale::En), "1,200.0 GB");
    }

    #[test]
    fn a_time_is_written_in_the_recipients_time_zone() {
        let at: Timestamp = "2026-12-31T17:30:00Z".parse().unwrap();
        let jakarta = TimeZone::get("Asia/Jakarta").unwrap();
        assert_eq!(moment(at, &jakarta, Locale::En), "1 January 2027, 00:30 WIB (UTC+07:00)");
        assert_eq!(moment(at, &jakarta, Locale::Id), "1 Januari 2027 pukul 00.30 WIB (UTC+07:00)");
        assert_eq!(
            moment(at, &TimeZone::UTC, Locale::Id),
            "31 Desember 2026 pukul 17.30 UTC (UTC+00:00)"
        );
    }
}
