//! How much memory a reader holds.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// What is held whatever the input: tables, sentences, the smallest size of a list.
const ANYWAY: usize = 8 * 1024;

/// Reads, and counts what this holds at a time. The count is that of the process: nothing else may go on in it.
///
/// # Panics
/// It is more than `most` bytes beside what any input takes.
pub fn within<T>(most: usize, read: impl FnOnce() -> T) -> T {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let outcome = read();
    let held = ALLOCATED.peak_usage().saturating_sub(before);
    assert!(held <= ANYWAY + most, "{held} bytes are held at once, and at most {most} may be");
    outcome
}
