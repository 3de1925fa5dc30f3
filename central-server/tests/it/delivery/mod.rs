//! How an order reaches a box, and what it answers: the official client as an agent of NeoPro 1, and a box of
//! protocol 2 played by the same client.

mod new_boxes;
mod old_boxes;
