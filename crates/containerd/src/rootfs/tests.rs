use super::{Identity, decide};
use crate::spec::User;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/:/bin/sh\nbroken\n";
const GROUP: &str = "root:x:0:root\nadm:x:4:root,web\nstaff:x:50:web\nbroken\n";

fn check(wanted: User, image: &str, expected: Result<(u32, u32, &[u32]), &str>) {
    let is = decide(&wanted, image, PASSWD, GROUP).map_err(|error| error.to_string());
    let expected = expected
        .map(|(uid, gid, groups)| Identity { uid, gid, groups: groups.to_vec() })
        .map_err(str::to_owned);
    assert_eq!(is, expected, "{wanted:?} over {image:?}");
}

#[test]
fn the_image_names_the_user_and_the_container_overrides_it() {
    let uid = |uid| User { uid: Some(uid), ..User::default() };
    check(User::default(), "", Ok((0, 0, &[0, 4])));
    check(User::default(), "web", Ok((33, 34, &[4, 34, 50])));
    check(User::default(), "33", Ok((33, 34, &[4, 34, 50])));
    check(User::default(), "web:staff", Ok((33, 50, &[4, 50])));
    check(User::default(), "1000:7", Ok((1000, 7, &[7])));
    check(uid(1000), "web:staff", Ok((1000, 0, &[0])));
    check(User { gid: Some(9), groups: vec![8], ..uid(33) }, "", Ok((33, 9, &[4, 8, 9, 50])));
    check(User::default(), "nobody", Err("unable to find user nobody: no matching entries in passwd file"));
    check(User::default(), "web:none", Err("unable to find group none: no matching entries in group file"));
}
