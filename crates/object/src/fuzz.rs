//! Safety properties of all that reads what clients send, tried on mutated documents: some thousands in every run of
//! the tests, and for `BERTH_FUZZ_SECONDS` per target on demand (`make fuzz`). A failure shows its input and the seed;
//! `BERTH_SEED` sets the seed.

mod mutate;
mod targets;

use std::panic::{catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use mutate::{Mutator, Random};

/// Inputs per target where no time is given.
const INPUTS: u32 = 4_000;
/// Accepted inputs that are kept to be mutated further.
const KEPT: usize = 400;
/// Inputs are cut at this length, in bytes.
const MAX_INPUT: usize = 16 << 10;

/// Tries a property on the seeds and on what mutations make of them. It panics where it does not hold, and returns
/// whether the input was accepted: those are mutated further.
fn holds(name: &str, seeds: &[&str], words: &[&str], property: fn(&[u8]) -> bool) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("BERTH_SEED").unwrap_or(1);
    let until = number("BERTH_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut mutator = Mutator { random: Random::new(seed, name), words };
    let mut pool: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    for seed in &pool {
        assert!(property(seed), "{name}: the seed {:?} is not accepted", String::from_utf8_lossy(seed));
    }
    let mut tried = 0_u64;
    while until.map_or(tried < u64::from(INPUTS), |until| Instant::now() < until) {
        // half of all begin at a seed: what mutations leave is mostly less
        let from_seed = mutator.random.below(2) == 0;
        let mut input = mutator.next(if from_seed { &pool[..seeds.len()] } else { &pool });
        input.truncate(MAX_INPUT);
        tried += 1;
        match catch_unwind(|| property(&input)) {
            Ok(false) => {}
            Ok(true) if pool.contains(&input) => {}
            Ok(true) if pool.len() < KEPT => pool.push(input),
            Ok(true) => {
                let at = seeds.len() + mutator.random.below(pool.len() - seeds.len());
                pool[at] = input;
            }
            Err(panic) => {
                eprintln!("{name}: does not hold with seed {seed} for b\"{}\"", input.escape_ascii());
                resume_unwind(panic);
            }
        }
    }
    if until.is_some() {
        eprintln!("{name}: {tried} inputs, seed {seed}");
    }
}
