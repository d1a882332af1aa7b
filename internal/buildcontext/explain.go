package buildcontext

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"pipecat-cloud-deploy/internal/dockerfile"
)

// explain finds the rules that exclude what is missing: of those that match it, the
// last. Few of many patterns are compiled.
func (l *lookup) explain() {
	var open []*Missing // that have no rule yet
	for i := range l.missing {
		if l.missing[i].Reason == Ignored {
			open = append(open, &l.missing[i])
		}
	}
	if len(open) == 0 {
		return
	}
	for _, rule := range slices.Backward(l.origins()) {
		open = slices.DeleteFunc(open, func(m *Missing) bool {
			if !rule.excludes(m.Paths[0]) {
				return false
			}
			m.Rule = rule
			return true
		})
		if len(open) == 0 {
			return
		}
	}
}

// excludes reports whether a rule matches a path, or a folder of it.
func (r Rule) excludes(name string) bool {
	if strings.HasPrefix(r.Pattern, "!") || !mayMatch(r.Pattern, name) {
		return false
	}
	patterns, _ := ignorefile.ReadAll(strings.NewReader(r.Pattern))
	if len(patterns) != 1 {
		return false
	}
	m, err := matcherOf(patterns[0])
	if err != nil {
		return false
	}
	ok, _ := m.MatchesOrParentMatches(name)
	return ok
}

// mayMatch reports false for a pattern with a text between its wildcards that is not
// in a path.
func mayMatch(pattern, name string) bool {
	if strings.ContainsAny(pattern, `[\`) || strings.Contains(pattern, "..") {
		return true
	}
	for text := range strings.FieldsFuncSeq(pattern, func(c rune) bool { return c == '*' || c == '?' || c == '/' }) {
		if text != "." && !strings.Contains(name, text) {
			return false
		}
	}
	return true
}

// matcherOf matches a single pattern, whose first sign may be a ! of its own.
func matcherOf(pattern string) (*patternmatcher.PatternMatcher, error) {
	if strings.HasPrefix(pattern, "!") {
		pattern = `\` + pattern
	}
	return patternmatcher.New([]string{pattern})
}

// origins are the patterns of the rules in their order, as they are written.
func (l *lookup) origins() (all []Rule) {
	add := func(line string, of Rule) {
		of.Pattern = strings.TrimSpace(line)
		if of.Pattern != "" && !strings.HasPrefix(line, "#") {
			all = append(all, of)
		}
	}
	if l.rules.file == "" {
		for _, pattern := range unneeded {
			add(pattern, Rule{})
		}
	} else if text, err := readIgnoreFile(l.root, l.rules.file); err == nil {
		for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
			add(line, Rule{File: l.rules.file, Line: i + 1})
		}
	}
	for _, lines := range l.o.Exclude {
		for line := range strings.Lines(lines) {
			add(line, Rule{Input: inputExclude})
		}
	}
	return all
}

// pointerStart is how a file of Git LFS begins that was not fetched, and maxPointer
// how large it is at most.
//
// https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
const (
	pointerStart = "version https://git-lfs.github.com/spec/v1\n"
	maxPointer   = 1024
)

// pointed says which sources have pointers of Git LFS where the files should be.
// Each pointer is of the first source that takes it.
func pointed(c *contents, sources []dockerfile.Source, pointers []string) (all []Missing) {
	for _, s := range sources {
		m := Missing{Source: s, Reason: Pointer}
		var others []string
		for _, name := range pointers {
			if takes(c, s, name) {
				m.Paths = append(m.Paths, name)
			} else {
				others = append(others, name)
			}
		}
		if pointers = others; len(m.Paths) > 0 {
			all = append(all, m)
		}
	}
	return all
}

// takes reports whether a source has a file, itself or in a folder.
func takes(c *contents, s dockerfile.Source, name string) bool {
	if s.Path == "" {
		return false
	}
	if !s.Pattern {
		at, _ := c.resolve(s.Path)
		return at == "." || at == name || strings.HasPrefix(name, at+"/")
	}
	for at := name; at != "."; at = path.Dir(at) {
		if ok, _ := path.Match(s.Path, at); ok {
			return true
		}
	}
	return false
}

// Include is the pattern that takes a path of a context back in, and nothing else.
func Include(name string) string {
	return "!" + special.ReplaceAllString(strings.TrimSuffix(name, "/"), `\$0`)
}

var special = regexp.MustCompile(`[\\*?\[\]]`)
