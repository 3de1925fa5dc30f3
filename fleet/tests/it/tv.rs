//! What a club sees.
