//! Leaves: what is in them, who takes them, how many are made.

use super::bench::{Bench, NOW, at, host, pem};

#[tokio::test]
async fn openssl_takes_a_leaf_for_a_server_and_its_host() {
    let bench = Bench::new();
    let minter = bench.minter();
    let leaf = minter.leaf(&host("www.example.org"), at(NOW)).await.unwrap();
    assert_eq!(leaf.cert.len(), 1, "the authority is its own root: devices hold it already");
    std::fs::write(bench.file("leaf.pem"), pem(&leaf.cert[0], bench.dir.path())).unwrap();
    let asked = "verify -purpose sslserver -x509_strict -attime 1795510800 -verify_hostname www.example.org -CAfile ca/authority.pem leaf.pem";
    let (good, said) = bench.openssl(asked);
    assert!(good, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_who_ask_at_once_get_one_leaf() {
    let minter = Bench::new().minter();
    let asking = (0..1000).map(|_| {
        let minter = minter.clone();
        tokio::spawn(async move { minter.leaf(&host("www.example.org"), at(NOW)).await.unwrap() })
    });
    let asking: Vec<_> = asking.collect();
    let mut leaves = Vec::new();
    for one in asking {
        leaves.push(one.await.unwrap().cert[0].clone());
    }
    leaves.dedup();
    assert_eq!((leaves.len(), minter.minted()), (1, 1));
}
