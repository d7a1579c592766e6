//! `cargo xtask dev` restarts its processes and leaves none behind.

use std::time::Duration;

use tests::{Client, Options, Stack, shared};

/// Time for a restart while other stacks use the same cores.
const RESTART_DEADLINE: Duration = Duration::from_mins(1);

async fn is_up(stack: &Stack) -> bool {
    Client::new(stack.origin(), None)
        .get("/readyz")
        .await
        .status
        == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_recovers_when_its_processes_are_killed() {
    let mut stack = Stack::start(Options::new());
    assert!(is_up(&stack).await);

    // Kill one process after another: the runtime that holds the port, the one that runs the scripts, wrangler.
    let victims: [fn(&Stack) -> Option<u32>; 3] = [
        |stack| stack.processes("workerd").first().copied(),
        |stack| stack.processes("workerd").last().copied(),
        |stack| stack.processes("node").first().copied(),
    ];
    for (index, victim) in victims.into_iter().enumerate() {
        stack.kill_process(victim(&stack).unwrap());
        stack.wait_line("  ok  restarted the edge", index + 1, RESTART_DEADLINE);
        assert!(is_up(&stack).await);
    }

    // Kill xtask: no process remains, and the same state and port can be used at once.
    stack.kill_leader();
    stack.restart();
    assert!(is_up(&stack).await);

    // Kill everything.
    stack.kill_hard();
    assert!(stack.remains().is_empty());
    stack.restart();
    assert!(is_up(&stack).await);

    // Ctrl-C.
    let (status, took) = stack.interrupt();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(stack.remains().is_empty());
}

/// The one process of this name.
fn only(stack: &Stack, name: &str) -> u32 {
    let found = stack.processes(name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.first().copied().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_worker_and_the_edge_restart_independently() {
    let mut stack = Stack::start(Options::new().workers(1));
    let is_ready = async |stack: &Stack| stack.ask_worker(1, "/readyz").await.0 == 200;
    assert!(is_ready(&stack).await);
    let first = only(&stack, "native-worker");

    // Kill the edge: the worker keeps running.
    stack.kill_process(only(&stack, "node"));
    stack.wait_line("  ok  restarted the edge", 1, RESTART_DEADLINE);
    assert_eq!(only(&stack, "native-worker"), first);
    assert!(is_ready(&stack).await);

    // Kill the worker, more often than a crashing one is restarted: the edge keeps running, and a new worker starts.
    let edge = only(&stack, "node");
    for count in 1..=10 {
        let worker = only(&stack, "native-worker");
        stack.kill_process(worker);
        stack.wait_line("  ok  restarted the native worker", count, RESTART_DEADLINE);
        assert_ne!(only(&stack, "native-worker"), worker);
        assert!(is_ready(&stack).await);
    }
    assert_eq!(only(&stack, "node"), edge);
    assert!(is_up(&stack).await);

    // Kill xtask: the worker ends as well, even while it is suspended.
    stack.suspend_process(only(&stack, "native-worker"));
    stack.kill_leader();
    stack.restart();
    assert!(is_ready(&stack).await);
    let (status, took) = stack.interrupt();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(stack.remains().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stacks_are_isolated() {
    let one = shared();
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
