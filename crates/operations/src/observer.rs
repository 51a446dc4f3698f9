/// Who looks on while an operation goes page by page, and may stop it between two of them.
pub trait Observer: Sync {
    /// It begins, with so many certificates before it where that is known. Only operations that count them first say so.
    fn begin(&self, _certificates: Option<u64>) {}

    /// So many certificates were done with.
    fn advance(&self, certificates: u64);

    /// It has come to its end with so many certificates. Only operations that say that they begin say so.
    fn end(&self, _certificates: u64) {}

    /// Whether to stop after the page at hand.
    fn is_stopped(&self) -> bool;

    /// Does work that may be cut off anywhere: none as soon as the operation is to stop.
    fn until_stopped<T: Send>(&self, work: impl Future<Output = T> + Send) -> impl Future<Output = Option<T>> + Send {
        async { Some(work.await) }
    }

    /// Finishes work in hand, though the operation is to stop: none only where even that is to be dropped.
    fn until_dropped<T: Send>(&self, work: impl Future<Output = T> + Send) -> impl Future<Output = Option<T>> + Send {
        async { Some(work.await) }
    }
}

/// Nobody looks on.
impl Observer for () {
    fn advance(&self, _: u64) {}

    fn is_stopped(&self) -> bool {
        false
    }
}
