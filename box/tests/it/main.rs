//! Integration tests of the box, by subject.

mod tv;
