//! The tests that look at the whole from outside; each module is a chapter.

mod network;
