use testkit::House;

#[tokio::test]
async fn a_house_opens_on_both_clusters() {
    let house = House::open().await;
    house.store.alive().await.unwrap();
}
