//! The box from outside: its link, its downloads, its whole program against a server of the tests' own, its TV in a
//! real browser.

mod agent;
mod commands;
mod downloads;
mod kills;
mod link;
mod strings;
mod support;
mod tv;
mod web;
