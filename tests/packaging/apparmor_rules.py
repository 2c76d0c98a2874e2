"""File rules of an AppArmor profile, and the accesses to files in a trace of strace."""

import re

# What follows the permissions of a rule is the target of exec transitions.
RULE = re.compile(r"^(?P<prefix>(?:audit |deny |allow |owner |file )*)(?:(?P<path>/\S*|@\{\S*) +(?P<perms>[rwaxmlkixpPcCuU]+)"
                  r"|(?P<first>[rwaxmlkixpPcCuU]+) +(?P<second>/\S*|@\{\S*))(?: -> .*)?,$")


def translate(glob):
    """The regular expression for a glob of apparmor.d(5)."""
    out, depth, i = "", 0, 0
    while i < len(glob):
        c = glob[i]
        if glob.startswith("**", i):
            out, i = out + (".+" if out.endswith("/") and i + 2 == len(glob) else ".*"), i + 1
        elif c == "*":
            alone = out.endswith("/") and (i + 1 == len(glob) or glob[i + 1] == "/")
            out += "[^/]+" if alone else "[^/]*"
        elif c == "?":
            out += "[^/]"
        elif c == "[":
            end = glob.index("]", i + 1)
            out, i = out + glob[i:end + 1], end
        elif c == "{":
            out, depth = out + "(?:", depth + 1
        elif c == "}":
            out, depth = out + ")", depth - 1
        elif c == "," and depth:
            out += "|"
        elif c == "\\":
            out, i = out + re.escape(glob[i + 1]), i + 1
        else:
            out += re.escape(c)
        i += 1
    return out


class Profile:
    """A profile as `apparmor_parser --preprocess` prints it."""

    def __init__(self, text):
        self.variables, self.rules = {}, []
        lines = [re.sub(r"\s*#.*", "", line).strip() for line in text.splitlines()]
        for name, sign, values in (m.groups() for m in map(re.compile(r"^(@\{\w+\})\s*(\+?=)\s*(.*)").match, lines) if m):
            self.variables.setdefault(name, []).extend(v.strip('"') for v in values.split())
        for rule in filter(None, map(RULE.match, lines)):
            path, perms = rule["path"] or rule["second"], rule["perms"] or rule["first"]
            self.rules.append((re.compile(re.sub("/+", "/", translate(self.expand(path)))), set(perms), "deny" in (rule["prefix"] or "")))

    def expand(self, path):
        for name in re.findall(r"@\{\w+\}", path):
            if name in self.variables:
                path = path.replace(name, "{" + ",".join(v.rstrip("/") for v in self.variables[name]) + "}")
            else:  # a variable of the kernel's, such as the profile's name
                path = path.replace(name, "*")
        return self.expand(path) if re.search(r"@\{\w+\}", path) else path

    def missing(self, path, wanted):
        """The permissions of WANTED that the rules do not give for this path."""
        given, denied = set(), set()
        for pattern, perms, deny in self.rules:
            if pattern.fullmatch(path):
                (denied if deny else given).update(perms)
        if "w" in given:
            given.add("a")
        return set(wanted) - (given - denied)
