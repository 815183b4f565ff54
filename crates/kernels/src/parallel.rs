//! Work divided over threads.

mod pool;

use std::ops::Range;

use pool::Pool;

/// The threads that calls share.
static POOL: Pool = Pool::new();

/// Calls `work` on ranges that together are `0..items`, each once, on as many threads as the caller grants
/// and there are items for, at most one a core. The division depends on `items` and `threads` alone, and the
/// calling thread takes the first range. One thread allocates nothing and locks nothing.
pub fn divide(items: usize, threads: usize, work: impl Fn(Range<usize>) + Sync) {
    divide_on(&POOL, items, threads, work);
}

/// As [`divide`], on the threads of `pool`.
fn divide_on(
    pool: &'static Pool,
    items: usize,
    threads: usize,
    work: impl Fn(Range<usize>) + Sync,
) {
    let parts = threads.min(items).max(1);
    if parts == 1 {
        return work(0..items);
    }
    let start = |part: usize| items / parts * part + (items % parts).min(part);
    pool.run(parts, &|part| work(start(part)..start(part + 1)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How often each item was worked on, and in how many calls.
    fn visits(pool: &'static Pool, items: usize, threads: usize) -> (Vec<usize>, usize) {
        let visits: Vec<_> = (0..items).map(|_| AtomicUsize::new(0)).collect();
        let calls = AtomicUsize::new(0);
        divide_on(pool, items, threads, |range| {
            calls.fetch_add(1, Ordering::Relaxed);
            for item in range {
                visits[item].fetch_add(1, Ordering::Relaxed);
            }
        });
        let visits = visits.into_iter().map(AtomicUsize::into_inner);
        (visits.collect(), calls.into_inner())
    }

    fn every_item_once(pool: &'static Pool) {
        for items in [0, 1, 2, 3, 7, 64] {
            for threads in [1, 2, 3, 5, 7, 100] {
                let expected = (vec![1; items], threads.min(items).max(1));
                assert_eq!(visits(pool, items, threads), expected);
            }
        }
    }

    #[test]
    fn every_item_once_in_no_more_parts_than_items() {
        every_item_once(&POOL);
    }

    #[test]
    fn every_item_once_where_no_thread_starts() {
        static NONE: Pool = Pool::of_stacks(1 << 47);
        every_item_once(&NONE);
    }

    #[test]
    fn the_first_part_is_the_callers() {
        for _ in 0..200 {
            let caller = std::thread::current().id();
            let own = AtomicUsize::new(usize::MAX);
            divide(8, 4, |range| {
                if std::thread::current().id() == caller {
                    own.fetch_min(range.start, Ordering::Relaxed);
                }
            });
            assert_eq!(own.into_inner(), 0);
        }
    }
}
