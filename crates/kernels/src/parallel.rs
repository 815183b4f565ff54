//! Work divided over threads.

use std::ops::Range;
use std::thread;

/// Calls `work` on ranges that together are `0..items`, each once, on as many threads as the caller grants
/// and there are items for. The calling thread takes the first range, and whatever no thread could be
/// started for. One thread allocates nothing.
pub fn divide(items: usize, threads: usize, work: impl Fn(Range<usize>) + Sync) {
    let threads = threads.min(items).max(1);
    if threads == 1 {
        return work(0..items);
    }
    let start = |part: usize| items / threads * part + (items % threads).min(part);
    thread::scope(|scope| {
        let work = &work;
        for part in 1..threads {
            let range = start(part)..start(part + 1);
            let spawned = thread::Builder::new().spawn_scoped(scope, move || work(range));
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

    #[test]
    fn every_item_once_on_no_more_threads_than_items() {
        for items in [0, 1, 2, 3, 7, 64] {
            for threads in [1, 2, 3, 5, 7, 100] {
                let visits: Vec<_> = (0..items).map(|_| AtomicUsize::new(0)).collect();
                let calls = AtomicUsize::new(0);
                divide(items, threads, |range| {
                    calls.fetch_add(1, Ordering::Relaxed);
                    for item in range {
                        visits[item].fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert!(visits.iter().all(|v| v.load(Ordering::Relaxed) == 1));
                assert_eq!(calls.into_inner(), threads.min(items).max(1));
            }
        }
    }
}
