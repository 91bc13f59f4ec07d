//! The scenarios that come with the program, so that `run quickstart` works from any folder.

/// A scenario that comes with the program.
pub(super) struct Builtin {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        &[$(Builtin { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".json")) }),*]
    };
}

/// All of them; each is a file in `scenarios/`.
pub(super) const ALL: &[Builtin] = builtin![
    "quickstart",
    "partition-heals",
    "crash-and-wipe",
    "one-way-cut",
    "lossy-without-repair",
    "thousand-nodes",
    "star-flood",
    "counter-survives",
];
