/// Who looks on while an operation goes page by page, and may stop it between two of them.
pub trait Observer: Sync {
    /// So many certificates were done with.
    fn advance(&self, certificates: u64);
    /// Whether to stop after the page at hand.
    fn is_stopped(&self) -> bool;
}

/// Nobody looks on.
impl Observer for () {
    fn advance(&self, _: u64) {}

    fn is_stopped(&self) -> bool {
        false
    }
}
