//! Waiting before another attempt: exponential with full jitter, so that those who failed together do not come back
//! together (Exponential Backoff and Jitter, AWS Architecture Blog, 2015).

use std::time::Duration;

/// The longest wait after `runs` runs that failed.
fn ceiling(base: Duration, longest: Duration, runs: u32) -> Duration {
    let doublings = runs.saturating_sub(1).min(31);
    base.saturating_mul(1 << doublings).min(longest)
}

/// The wait after `runs` runs that failed; `fraction`, random in 0..1, says which part of the longest one.
pub(crate) fn delay(base: Duration, longest: Duration, runs: u32, fraction: f64) -> Duration {
    ceiling(base, longest, runs).mul_f64(fraction.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_doubles_up_to_the_longest() {
        let second = Duration::from_secs(1);
        let ceilings: Vec<u64> = (1..=6).map(|runs| ceiling(second, second * 10, runs).as_secs()).collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 10, 10]);
    }

    proptest! {
        #[test]
        fn it_is_bounded_whatever_comes(base in 0_u64..1_000_000, longest in 0_u64..1_000_000, runs: u32, fraction in 0.0..1.0) {
            let longest = Duration::from_millis(longest);
            prop_assert!(delay(Duration::from_millis(base), longest, runs, fraction) <= longest);
        }
    }
}
