//! What certificates in hand take of memory, so that few large ones are read at a time.

use std::fmt::Display;

use certferry_certificate::{Code, Issue};

/// How many bytes a byte of a legacy row takes at most while its batch is in hand: as it came, as a record, in the plan, in
/// the statement's arguments and in the connection's buffer, which double when they grow.
pub const COPIES: u64 = 8;

/// The issue of a certificate whose row of so many bytes is too large for `total`, all the memory there is.
#[must_use]
pub fn row_too_large(size: u64, total: impl Display) -> Issue {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let message = format!(
        "its row in the source has {} MiB, for which worker.max_memory ({total}) is too little; shorten it, or set \
         worker.max_memory to {}MiB or more, then use `producer retry`",
        mebibytes(size),
        mebibytes(size.saturating_mul(COPIES))
    );
    Issue::new(Code::ValueTooLong, None, message)
}
