//! Expressions, their types, and what is said of wrong ones: the sentences are those of the reference implementation.

use expressions::{LONGEST, Scope, Type, compile};
use proptest::prelude::*;

/// A scope with one of each: a value of any type, a list, a map, and an object with fields.
fn scope() -> Scope {
    let mut scope = Scope::new();
    let port = scope.object("Port", [("name", Type::String), ("port", Type::Int)]);
    let spec = scope.object("Spec", [("replicas", Type::Int), ("ports", Type::list(port))]);
    scope
        .with("self", Type::Dyn)
        .with("names", Type::list(Type::String))
        .with("counts", Type::map(Type::String, Type::Int))
        .with("spec", spec)
        .with("since", Type::Timestamp)
}

fn type_of(source: &str) -> String {
    compile(source, &scope()).map_or_else(|faults| faults, |compiled| compiled.kind.to_string())
}

#[test]
fn each_expression_has_the_type_that_its_parts_give_it() {
    for (source, kind) in [
        ("1", "int"),
        ("1u", "uint"),
        ("1.5 + 2.0", "double"),
        ("'a' + \"b\"", "string"),
        ("b'a'", "bytes"),
        ("null", "null"),
        ("[1, 2]", "list(int)"),
        ("[]", "list(dyn)"),
        ("{}", "map(dyn, dyn)"),
        ("{'a': [1]}", "map(string, list(int))"),
        ("[1] + []", "list(int)"),
        ("[self, 1]", "list(dyn)"),
        ("!true && 1 < 2 || 'a' in names", "bool"),
        ("1 < 2.5 && 2u >= 1", "bool"),
        ("1 in [1] && 'a' in counts", "bool"),
        ("self", "dyn"),
        ("self.a.b[0].c == 1", "bool"),
        ("self.a + 1", "int"),
        ("self ? 1 : 2", "int"),
        ("true ? self : 1", "dyn"),
        ("self.a ? self.b : true", "dyn"),
        ("spec.replicas", "int"),
        ("spec.ports[0].name", "string"),
        ("counts.a", "int"),
        ("counts['a']", "int"),
        ("counts[self]", "int"),
        ("size(names) + names.size() + size('a')", "int"),
        ("has(spec.replicas) && has(self.a.b) && has(counts.x)", "bool"),
        ("names.all(n, n.startsWith('a'))", "bool"),
        ("names.all(i, n, i < n.size())", "bool"),
        ("names.exists(n, n == 'a') && names.exists_one(n, n == 'a')", "bool"),
        ("names.existsOne(i, n, i == 0 && n == 'a')", "bool"),
        ("counts.exists(k, v, v > 1 && k != 'a')", "bool"),
        ("names.map(n, n.size())", "list(int)"),
        ("names.map(n, n != '', [n])", "list(list(string))"),
        ("names.filter(n, n != '')", "list(string)"),
        ("counts.map(k, k)", "list(string)"),
        ("names.transformList(i, n, {n: i})", "list(map(string, int))"),
        ("counts.transformMap(k, v, v > 0, string(v))", "map(string, string)"),
        ("counts.transformMapEntry(k, v, {v: k})", "map(int, string)"),
        ("self.map(x, x)", "list(dyn)"),
        ("spec.ports.filter(p, p.port > 1).map(p, p.name).join(',')", "string"),
        ("'%d of %s'.format([dyn(1), 'a'])", "string"),
        ("int('1') + int(1.5)", "int"),
        ("type(1) == int && type('') != string", "bool"),
        ("type(1)", "type(int)"),
        ("dyn(1) == 'a'", "bool"),
        ("self.?a.orValue(1)", "dyn"),
        ("counts[?'a'].orValue(1)", "int"),
        ("spec.?replicas", "optional_type(int)"),
        ("counts[?'a'].hasValue()", "bool"),
        ("optional.of(1).optMap(x, string(x))", "optional_type(string)"),
        ("optional.of(1).optFlatMap(x, optional.of([x])).orValue([])", "list(int)"),
        ("optional.none().or(optional.of('a')).value()", "string"),
        ("[?counts[?'a'], 2]", "list(int)"),
        ("{?'a': spec.?replicas}", "map(string, int)"),
        ("since + duration('1h30m') > timestamp('2024-01-01T00:00:00Z')", "bool"),
        ("(since - since).getSeconds() + since.getFullYear('UTC')", "int"),
        ("quantity('1Gi').isGreaterThan(quantity('5').add(2))", "bool"),
        ("quantity('1').sub(quantity('1'))", "kubernetes.Quantity"),
        ("semver('1.2.3').compareTo(semver('v1', true)) == 0", "bool"),
        ("cidr('10.0.0.0/8').containsIP(ip('10.0.0.1'))", "bool"),
        ("string(ip('::1')) + string(cidr('::/0').masked())", "string"),
        ("url('https://a/?b=c').getQuery()['b'][0]", "string"),
        ("isURL('x') || ip.isCanonical('::') || format.dns1123Label().validate('a').hasValue()", "bool"),
        ("'abc'.find('b') + 'abc'.findAll('.', 2)[0]", "string"),
        ("[3, 1].isSorted() || names.indexOf('a') == [1, 2].sum()", "bool"),
        ("sets.contains([1], [1]) && sets.intersects(names, ['a'])", "bool"),
        ("'a'.matches('^[a-z]+$')", "bool"),
        ("names.map(self, self.size())[0] + 1", "int"),
        ("spec == null", "bool"),
        ("// what it is\n  spec.replicas\n  > 1", "bool"),
    ] {
        assert_eq!(type_of(source), kind, "{source}");
    }
}

#[test]
fn what_is_wrong_is_said_at_its_place() {
    for (source, fault) in [
        ("other", "ERROR: <input>:1:1: undeclared reference to 'other' (in container '')\n | other\n | ^"),
        (
            "spec.replicas > 1 && other.x",
            "ERROR: <input>:1:22: undeclared reference to 'other' (in container '')\n | spec.replicas > 1 && other.x\n | \
             .....................^",
        ),
        (
            "1 + 'a'",
            "ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^",
        ),
        (
            "names.startsWith('a')",
            "ERROR: <input>:1:17: found no matching overload for 'startsWith' applied to 'list(string).(string)'\n | \
             names.startsWith('a')\n | ................^",
        ),
        (
            "nothing(1)",
            "ERROR: <input>:1:8: undeclared reference to 'nothing' (in container '')\n | nothing(1)\n | .......^",
        ),
        ("spec.other", "ERROR: <input>:1:5: undefined field 'other'\n | spec.other\n | ....^"),
        ("has(spec.other)", "ERROR: <input>:1:9: undefined field 'other'\n | has(spec.other)\n | ........^"),
        (
            "(1 + 2).x",
            "ERROR: <input>:1:8: type 'int' does not support field selection\n | (1 + 2).x\n | .......^",
        ),
        ("[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"),
        (
            "{'a': 1, 2: 1}",
            "ERROR: <input>:1:10: expected type 'string' but found 'int'\n | {'a': 1, 2: 1}\n | .........^",
        ),
        (
            "true ? 1 : 'a'",
            "ERROR: <input>:1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'\n | true ? 1 : 'a'\n | .....^",
        ),
        (
            "1 == 'a'",
            "ERROR: <input>:1:3: found no matching overload for '_==_' applied to '(int, string)'\n | 1 == 'a'\n | ..^",
        ),
        (
            "counts[1]",
            "ERROR: <input>:1:7: found no matching overload for '_[_]' applied to '(map(string, int), int)'\n | counts[1]\n | ......^",
        ),
        ("!1", "ERROR: <input>:1:1: found no matching overload for '!_' applied to '(int)'\n | !1\n | ^"),
        (
            "1.all(x, true)",
            "ERROR: <input>:1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or \
             dynamic)\n | 1.all(x, true)\n | ^",
        ),
        (
            "names.all(n, n.size())",
            "ERROR: <input>:1:10: found no matching overload for '_&&_' applied to '(bool, int)'\n | names.all(n, n.size())\n | .........^",
        ),
        (
            "names.map(n + 1, n)",
            "ERROR: <input>:1:13: argument must be a simple name\n | names.map(n + 1, n)\n | ............^",
        ),
        ("has(self)", "ERROR: <input>:1:4: invalid argument to has() macro\n | has(self)\n | ...^"),
        (
            "'%d %s'.format([1, 'a'])",
            "ERROR: <input>:1:20: expected type 'int' but found 'string'\n | '%d %s'.format([1, 'a'])\n | ...................^",
        ),
        (
            "Object{}",
            "ERROR: <input>:1:7: undeclared reference to 'Object' (in container '')\n | Object{}\n | ......^",
        ),
        (
            "'a'.matches('(')",
            "ERROR: <input>:1:13: invalid matches argument\n | 'a'.matches('(')\n | ............^",
        ),
        (
            "duration('1x') == duration('1h')",
            "ERROR: <input>:1:10: invalid duration argument\n | duration('1x') == duration('1h')\n | .........^",
        ),
        (
            "timestamp('x')",
            "ERROR: <input>:1:11: invalid timestamp argument\n | timestamp('x')\n | ..........^",
        ),
        (
            "spec.ports.exists(p, p.port == 'a')",
            "ERROR: <input>:1:29: found no matching overload for '_==_' applied to '(int, string)'\n | spec.ports.exists(p, p.port == 'a')\n | ............................^",
        ),
        (
            "'ä' +\n\tother",
            "ERROR: <input>:2:2: undeclared reference to 'other' (in container '')\n |  other\n | .^",
        ),
        (
            "'ä' + x",
            "ERROR: <input>:1:7: undeclared reference to 'x' (in container '')\n | 'ä' + x\n | .．....^",
        ),
    ] {
        assert_eq!(type_of(source), fault, "{source}");
    }
}

#[test]
fn each_fault_is_told_once_and_in_order() {
    let faults = type_of("b.c + a > 1 && 1 + 'x'");
    let lines: Vec<&str> = faults.lines().filter(|line| line.starts_with("ERROR")).collect();
    assert_eq!(
        lines,
        [
            "ERROR: <input>:1:1: undeclared reference to 'b' (in container '')",
            "ERROR: <input>:1:7: undeclared reference to 'a' (in container '')",
            "ERROR: <input>:1:18: found no matching overload for '_+_' applied to '(int, string)'",
        ]
    );
}

#[test]
fn the_variables_that_are_named_are_known() {
    let named = compile("names.all(spec, spec == self.spec)", &scope()).unwrap().variables;
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["names", "self"]);
}

#[test]
fn what_is_no_expression_is_a_syntax_error() {
    for source in [
        "",
        " ",
        "1 +",
        "self.foo(",
        "'abc",
        "if",
        "namespace == 'a'",
        "a b",
        "[1",
        "self..a",
        "1 = 2",
        "{a}",
    ] {
        assert!(type_of(source).starts_with("ERROR: <input>:"), "{source}: {}", type_of(source));
        assert!(type_of(source).contains("Syntax error: "), "{source}: {}", type_of(source));
    }
}

#[test]
fn names_patches_and_objects_are_there_where_a_scope_has_them() {
    let scope = scope().with_names().with_patches();
    for (source, kind) in [
        ("cel.bind(x, 1, x + 1)", "int"),
        ("Object{spec: Object.spec{replicas: 1, paused: true}}", "Object"),
        ("[JSONPatch{op: 'add', path: '/a/' + jsonpatch.escapeKey('b'), value: 1}]", "list(JSONPatch)"),
        ("Port{name: 'a', ?port: optional.of(1)}", "Port"),
    ] {
        assert_eq!(compile(source, &scope).unwrap().kind.to_string(), kind, "{source}");
    }
    assert!(
        compile("cel.bind(x, 1, x)", &Scope::new()).unwrap_err().contains("undeclared reference to 'cel'")
    );
    for (source, fault) in [
        ("JSONPatch{op: 1}", "expected type of field 'op' is 'string' but provided type is 'int'"),
        ("JSONPatch{operation: ''}", "undefined field 'operation'"),
        ("Objects{}", "undeclared reference to 'Objects'"),
    ] {
        assert!(compile(source, &scope).unwrap_err().contains(fault), "{source}");
    }
}

/// Whoever writes an expression decides how long it takes to check; so that must be bounded by its length.
#[test]
fn no_expression_takes_more_than_its_length() {
    let repeat = |text: &str, around: &str| text.repeat((LONGEST - around.len() - 8) / text.len());
    let doubled: String = (0..400).map(|i| format!("[x{i}].map(x{}, ", i + 1)).collect();
    let doubled = format!("self.map(x0, {doubled}{{x400: x400}}{}", ")".repeat(401));
    let maps: String = (0..200)
        .fold("1".to_owned(), |inner, i| format!("[{{'a': {inner}, 'b': 1}}].map(x{i}, {{x{i}: x{i}}})"));
    for source in [
        format!("{}1{}", "(".repeat(LONGEST / 2 - 1), ")".repeat(LONGEST / 2 - 1)),
        format!("{}1{}", "[".repeat(LONGEST / 2 - 1), "]".repeat(LONGEST / 2 - 1)),
        format!("{}true", repeat("!", "")),
        format!("self{}", repeat("+self", "")),
        format!("self{}", repeat(".a", "")),
        format!("self{}", repeat("[0]", "")),
        format!("true{}", repeat("||self==1", "")),
        format!("{}1", repeat("self?1:", "")),
        format!("self{}", repeat(".optMap(x,x)", "")),
        format!("self{}", repeat(".map(x,[x])", "")),
        format!("[{}]", repeat("a.b(", "")),
        format!("[{}]", repeat("1,", "")),
        doubled,
        maps,
        "x".repeat(LONGEST + 1),
    ] {
        let _ = compile(&source, &scope());
    }
    let long = "x".repeat(LONGEST + 1);
    assert!(
        compile(&long, &scope())
            .unwrap_err()
            .contains("expression code point size exceeds limit: size: 16385, limit 16384")
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(source in r#"(self|names|spec|counts|[a-z]|\.|\?|\[|\]|\(|\)|\{|\}|,|:|=|<|>|&&|\|\||!|\+|-|'|"|[0-9]|map|all|has|\n| |ä){0,40}"#) {
        let _ = compile(&source, &scope());
    }
}
