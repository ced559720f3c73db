//! Random choices that depend on the seed alone.

/// Kinds of random choice, so that two choices about one record are independent.
///
/// The order is part of the promise that a seed always gives the same bytes: add at the end.
#[derive(Clone, Copy)]
pub(crate) enum Choice {
    Burst,
    Jitter,
    Delay,
    Bad,
    Content,
    Person,
    Shuffle,
    Success,
    SignIn,
    Solved,
    Odd,
    Deleted,
    Token,
    Chapter,
    StoryText,
}

/// The generator for one choice about record or person `index`: same seed, same choice.
pub(crate) fn rng_for(seed: u64, choice: Choice, index: u64) -> fastrand::Rng {
    // Odd constants spread neighbouring indexes over the whole state of the generator.
    let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03)
        ^ (choice as u64 + 1).wrapping_mul(0x8CB9_2BA7_2F3D_8DD7);
    fastrand::Rng::with_seed(state)
}
