//! A new `MFA_ENCRYPTION_KEY`.

use axum::http::StatusCode;
use neopro_central::auth::second_factor::jobs::reseal;

use super::{Person, STEP, value};
use crate::support::TestApp;

const OLD: &str = "q7Lw2Zs9Xc4Vb6Nm1Kj8Hg3Fd5Sa0PoI";
const NEW: &str = "Rt5Yh8Uj2Ik4Ol6Pz1Qa9Ws3Ed7RfTgB";

#[tokio::test]
async fn a_second_key_is_rotated_in_without_anybody_noticing() {
    let before = TestApp::with(&[("MFA_ENCRYPTION_KEY", OLD)]).await;
    let camille = Person::new(&before, "camille@club.fr", "operator").await;
    let sealed = "select mfa_secret from users";
    let old = value(&before, sealed).await.expect("a secret");

    let both = [("MFA_ENCRYPTION_KEY", NEW), ("MFA_ENCRYPTION_KEY_PREVIOUS", OLD)];
    let during = TestApp::on(before.db.clone(), &both).await;
    during.clock.advance(STEP);
    camille.log_in_with(&during, &camille.code(&during)).await.expect(StatusCode::OK);
    assert_eq!(value(&during, sealed).await.as_ref(), Some(&old), "it opens as it is");
    assert_eq!(reseal(&during.app).await.expect("done"), (1, 0));
    assert_ne!(value(&during, sealed).await.as_ref(), Some(&old));
    assert_eq!(reseal(&during.app).await.expect("done"), (0, 0), "there is nothing left to do");

    let after = TestApp::on(before.db.clone(), &[("MFA_ENCRYPTION_KEY", NEW)]).await;
    after.clock.advance(2 * STEP);
    camille.log_in_with(&after, &camille.code(&after)).await.expect(StatusCode::OK);
    assert_eq!(reseal(&after.app).await.expect("done"), (0, 0));
}

#[tokio::test]
async fn with_a_lost_key_backup_codes_still_open_and_the_start_says_so() {
    let before = TestApp::with(&[("MFA_ENCRYPTION_KEY", OLD)]).await;
    let camille = Person::new(&before, "camille@club.fr", "operator").await;
    let lost = TestApp::on(before.db.clone(), &[("MFA_ENCRYPTION_KEY", NEW)]).await;
    lost.clock.advance(STEP);
    assert_eq!(reseal(&lost.app).await.expect("done"), (0, 1));
    camille.log_in_with(&lost, &camille.code(&lost)).await.expect(StatusCode::UNAUTHORIZED);
    camille.log_in_with(&lost, &camille.backup[0]).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn many_are_sealed_anew() {
    let before = TestApp::with(&[("MFA_ENCRYPTION_KEY", OLD)]).await;
    Person::new(&before, "camille@club.fr", "operator").await;
    let more = "insert into users (email, password_hash, mfa_enabled, mfa_secret) \
         select 'x' || n || '@club.fr', '', true, 'v2:00000000:AAAA' from generate_series(1, 250) n";
    before.db.owner().await.batch_execute(more).await.expect("accounts");
    let both = [("MFA_ENCRYPTION_KEY", NEW), ("MFA_ENCRYPTION_KEY_PREVIOUS", OLD)];
    let during = TestApp::on(before.db.clone(), &both).await;
    assert_eq!(reseal(&during.app).await.expect("done"), (1, 250));
}
