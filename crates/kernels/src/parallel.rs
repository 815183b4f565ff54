//! Work divided over threads.

use std::ops::Range;
use std::thread::{self, Builder};

/// Calls `work` on ranges that together are `0..items`, each once, on as many threads as the caller grants
/// and there are items for. The calling thread takes the first range, and whatever no thread could be
/// started for. One thread allocates nothing.
pub fn divide(items: usize, threads: usize, work: impl Fn(Range<usize>) + Sync) {
    divide_on(Builder::new, items, threads, work);
}

/// As [`divide`], on threads that `builder` describes.
fn divide_on(
    builder: impl Fn() -> Builder,
    items: usize,
    threads: usize,
    work: impl Fn(Range<usize>) + Sync,
) {
    let threads = threads.min(items).max(1);
    if threads == 1 {
        return work(0..items);
    }
    let start = |part: usize| items / threads * part + (items % threads).min(part);
    thread::scope(|scope| {
        let work = &work;
        for part in 1..threads {
            let range = start(part)..start(part + 1);
            let spawned = builder().spawn_scoped(scope, move || work(range));
            if spawned.is_err() {
                work(start(part)..items);
                break;
            }
        }
        work(0..start(1));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How often each item was worked on, and in how many calls.
    fn visits(builder: impl Fn() -> Builder, items: usize, threads: usize) -> (Vec<usize>, usize) {
        let visits: Vec<_> = (0..items).map(|_| AtomicUsize::new(0)).collect();
        let calls = AtomicUsize::new(0);
        divide_on(builder, items, threads, |range| {
            calls.fetch_add(1, Ordering::Relaxed);
            for item in range {
                visits[item].fetch_add(1, Ordering::Relaxed);
            }
        });
        let visits = visits.into_iter().map(AtomicUsize::into_inner);
        (visits.collect(), calls.into_inner())
    }

    #[test]
    fn every_item_once_on_no_more_threads_than_items() {
        for items in [0, 1, 2, 3, 7, 64] {
            for threads in [1, 2, 3, 5, 7, 100] {
                let expected = (vec![1; items], threads.min(items).max(1));
                assert_eq!(visits(Builder::new, items, threads), expected);
            }
        }
    }

    #[test]
    fn every_item_once_where_no_thread_starts() {
        const NO_ADDRESS_SPACE: usize = 1 << 47;
        let impossible = || Builder::new().stack_size(NO_ADDRESS_SPACE);
        assert!(impossible().spawn(|| ()).is_err());
        for items in [2, 3, 7, 64] {
            assert_eq!(visits(impossible, items, 3), (vec![1; items], 2));
        }
    }
}
