use super::*;

fn described(route: Route, id: &'static str) -> Described {
    Described { tag: Tag::Service, operation: Operation::new(id, route, "Summary", "Description.") }
}

#[track_caller]
fn check(routes: &[Route], entries: Vec<Described>, expected: &Error) {
    assert_eq!(&pair(routes, entries).unwrap_err(), expected);
}

#[test]
fn a_route_that_no_entry_describes_is_an_error_that_says_what_to_do() {
    let routes = [route::HEALTH, route::READY];
    let error = Error::Undescribed("GET /ready".into());
    assert!(error.to_string().contains("add an entry for it"));
    check(&routes, vec![described(route::HEALTH, "health")], &error);
}

#[test]
fn an_entry_without_a_route_or_a_second_one_is_an_error() {
    let routes = [route::HEALTH];
    let health = || described(route::HEALTH, "health");
    check(&routes, vec![health(), described(route::READY, "ready")], &Error::Unrouted("ready"));
    check(&routes, vec![health(), described(route::HEALTH, "again")], &Error::Twice("again"));
    let routes = [route::HEALTH, route::READY];
    check(&routes, vec![health(), described(route::READY, "health")], &Error::Twice("health"));
}

#[test]
fn entries_come_in_the_order_of_their_routes() {
    let routes = [route::HEALTH, route::READY];
    let paired = pair(&routes, vec![described(route::READY, "r"), described(route::HEALTH, "h")]).unwrap();
    let ids: Vec<&str> = paired.iter().map(|described| described.operation.id).collect();
    assert_eq!(ids, ["h", "r"]);
}
