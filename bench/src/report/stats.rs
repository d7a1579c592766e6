//! Order statistics.

use std::time::Duration;

/// The nearest-rank percentile: the smallest value that at least `share` hundredths of `values` do not exceed; the default for
/// an empty list.
pub(crate) fn percentile<T: PartialOrd + Copy + Default>(values: &[T], share: usize) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    let index = (sorted.len() * share).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

/// The median.
pub(crate) fn median<T: PartialOrd + Copy + Default>(values: &[T]) -> T {
    percentile(values, 50)
}

/// Milliseconds.
pub(crate) fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// A count as a floating-point number; infinite beyond `u32`.
pub(crate) fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_list() {
        let values: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(median(&values), 50);
        assert_eq!(percentile(&values, 99), 99);
        assert_eq!(percentile(&values, 100), 100);
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_string(), "2");
        assert_eq!(median::<u32>(&[]), 0);
    }
}
