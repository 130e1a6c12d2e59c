use billfold::platform::clock::Clock;
use billfold::{ErrorCode, Step, Wallet};
use billfold_test_issuer::Options;

use crate::world::{JWT_VC, Moved, SD_JWT, World, failure, pre_authorized};

struct Waiting {
    world: World,
    clock: Moved,
}

impl Waiting {
    async fn new(waits: u32, interval: u32) -> Self {
        let options = Options { deferred_waits: Some(waits), deferred_interval: interval, ..Options::default() };
        Self { world: World::with(options).await, clock: Moved::default() }
    }

    fn wallet(&self) -> Wallet {
        self.world.builder().clock(self.clock.clone()).build().expect("a wallet")
    }

    /// Time passes, for the wallet and for the issuer.
    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.world.issuer.advance_clock(seconds);
    }
}

// covers: DEFER-02, DEFER-08
#[tokio::test]
async fn a_deferred_credential_comes_when_it_is_ready_even_after_a_restart() {
    for format in [SD_JWT, JWT_VC] {
        let waiting = Waiting::new(2, 10).await;
        let world = &waiting.world;
        let issuance = waiting.wallet().open_offer(&world.offer(&pre_authorized(format)).link).await.expect("it opens");
        let began = waiting.clock.now();
        let Step::Wait { until } = issuance.accept().await.expect("a wait") else { panic!("no wait") };
        assert!((9..=12).contains(&(until - began)), "{}", until - began);

        // Asking early asks nobody.
        assert!(matches!(issuance.poll().await, Ok(Step::Wait { .. })));
        assert_eq!(world.count("/deferred"), 0);

        for asked in 1..=2 {
            waiting.pass(11);
            let pending = waiting.wallet().pending().await.expect("a list");
            assert_eq!(pending.len(), 1);
            let resumed = waiting.wallet().resume(&pending[0].id).await.expect("it is there");
            assert!(matches!(resumed.poll().await, Ok(Step::Wait { .. })));
            assert_eq!(world.count("/deferred"), asked);
        }
        waiting.pass(11);
        let resumed = waiting.wallet().resume(issuance.id()).await.expect("it is there");
        let step = resumed.poll().await.expect("it is issued");
        world.verified(&step).await;
        assert_eq!(world.count("/credential"), 1);
        assert!(waiting.wallet().pending().await.expect("a list").is_empty());
    }
}

#[tokio::test]
async fn a_lost_deferred_answer_is_asked_for_again() {
    let waiting = Waiting::new(0, 5).await;
    let issuance =
        waiting.wallet().open_offer(&waiting.world.offer(&pre_authorized(SD_JWT)).link).await.expect("it opens");
    assert!(matches!(issuance.accept().await, Ok(Step::Wait { .. })));
    waiting.pass(6);
    waiting.world.issuer.set_fault_times("http-500-deferred", 1).expect("a fault");
    let error = failure(issuance.poll().await);
    assert_eq!(error.code(), ErrorCode::ServerFailed);
    assert!(error.is_retryable());
    waiting.world.verified(&issuance.poll().await.expect("it is issued")).await;
}
