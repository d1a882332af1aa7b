package buildcontext

import (
	"bufio"
	"os"
	"path"
	"regexp"
	"strings"
)

// gitignored finds the rule by which Git ignores a path of the workspace, so that
// a checkout does not have it. The last pattern that matches decides, those of the
// nearest folder last.
//
// https://git-scm.com/docs/gitignore
func gitignored(workspace, name string) (rule Rule, ignored bool) {
	if workspace == "" {
		return Rule{}, false
	}
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return Rule{}, false
	}
	defer root.Close()
	dirs := strings.Split(path.Dir(name), "/")
	for i := range len(dirs) + 1 {
		dir := path.Join(dirs[:i]...)
		file := path.Join(dir, ".gitignore")
		text, err := readIgnoreFile(root, file)
		if dir == "." || err != nil {
			continue
		}
		below := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		lines := bufio.NewScanner(strings.NewReader(text))
		for n := 1; lines.Scan(); n++ {
			pattern, negated := gitPattern(lines.Text())
			if pattern == "" || negated == !ignored {
				continue
			}
			m, err := matcherOf(pattern)
			if err != nil {
				continue
			}
			if ok, _ := m.MatchesOrParentMatches(below); ok {
				ignored = !negated
				rule = Rule{Pattern: strings.TrimSpace(lines.Text()), File: file, Line: n}
			}
		}
	}
	return rule, ignored
}

// modulePath is the line of a .gitmodules that says where a submodule is.
var modulePath = regexp.MustCompile(`(?m)^\s*path\s*=\s*"?(.+?)/?"?\s*$`)

// submodule reports whether a path of the workspace is in a submodule of Git, or is one,
// that was not checked out.
//
// https://git-scm.com/docs/gitmodules
func submodule(workspace, name string) bool {
	if workspace == "" {
		return false
	}
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return false
	}
	defer root.Close()
	text, _ := readIgnoreFile(root, ".gitmodules")
	for _, m := range modulePath.FindAllStringSubmatch(text, -1) {
		if name == m[1] || strings.HasPrefix(name, m[1]+"/") {
			_, err := root.Lstat(path.Join(m[1], ".git"))
			return err != nil
		}
	}
	return false
}

// gitPattern is a line of a .gitignore as Docker would write it; "" for none.
func gitPattern(line string) (pattern string, negated bool) {
	line = strings.TrimRight(line, " \t\r")
	if strings.HasPrefix(line, "#") {
		return "", false
	}
	line, negated = strings.CutPrefix(line, "!")
	line = strings.TrimPrefix(line, `\`) // before a # or a !
	line = strings.ReplaceAll(strings.TrimSuffix(line, "/"), "[!", "[^")
	switch {
	case line == "":
		return "", false
	case strings.Contains(line, "/"): // it is relative to the .gitignore
		return strings.TrimPrefix(line, "/"), negated
	}
	return "**/" + line, negated
}
