//! What `cargo xtask dev` promises about processes.

use std::time::Duration;

use tests::{Client, Options, Stack};

/// Time for a restart, with other stacks on the same cores.
const RESTART_DEADLINE: Duration = Duration::from_mins(1);

async fn is_up(stack: &Stack) -> bool {
    Client::new(stack.origin(), None)
        .get("/readyz")
        .await
        .status
        == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_survives_what_happens_to_its_processes() {
    let mut stack = Stack::start(Options::new());
    assert!(is_up(&stack).await);

    // One process after the other dies: the runtime that holds the port, the one that runs the scripts, wrangler.
    let victims: [fn(&Stack) -> Option<u32>; 3] = [
        |stack| stack.processes("workerd").first().copied(),
        |stack| stack.processes("workerd").last().copied(),
        |stack| stack.processes("node").first().copied(),
    ];
    for (index, victim) in victims.into_iter().enumerate() {
        stack.kill_process(victim(&stack).unwrap());
        stack.wait_line("restarted: edge", index + 1, RESTART_DEADLINE);
        assert!(is_up(&stack).await);
    }

    // xtask dies: nothing of it stays, and the same state and port can be used at once.
    stack.kill_leader();
    stack.restart();
    assert!(is_up(&stack).await);

    // Everything dies.
    stack.kill_hard();
    assert!(stack.remains().is_empty());
    stack.restart();
    assert!(is_up(&stack).await);

    // The developer presses Ctrl-C.
    let (status, took) = stack.interrupt();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(stack.remains().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn stacks_side_by_side_do_not_meet() {
    let one = Stack::start(Options::new());
    let two = Stack::start(Options::new());
    assert_ne!(one.origin(), two.origin());
    let nonce = async |stack: &Stack| {
        Client::new(stack.origin(), None)
            .get("/version")
            .await
            .json()["nonce"]
            .clone()
    };
    assert_ne!(nonce(&one).await, nonce(&two).await);
}
