//! What the diagnosis says, in three languages: the command line and the dashboard read the same sentences.

mod around;
mod database;
mod outside;
mod titles;

pub(super) use around::*;
pub(super) use database::*;
pub(super) use outside::*;
pub(super) use titles::*;

pub(super) use crate::words::{Said, Words, step};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentence_of_the_diagnosis_is_there_in_three_languages() {
        let all = [around::ALL, database::ALL, outside::ALL, titles::ALL];
        assert!(all.concat().len() > 100, "the lists were read");
        all.iter().for_each(|list| crate::words::tests::complete(list));
    }
}
