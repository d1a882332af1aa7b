package buildcontext

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
)

// FuzzPatterns holds that patterns say of a path, and of the folders it is in, what
// Docker's own matcher says.
func FuzzPatterns(f *testing.F) {
	for _, lines := range []string{"*.md\n!a.md", "a/**\n!a/b?\na/b", "**/x*\n!**/y/x*z\n**.pyc", "**\n!*.*\n**/", "a**b\n[ab]*\n![^a]", "!!a\n!b\n!", "a^b*\n\\a*\n\ufeffx*", "dir**\n**/b/**\n*/*/c", "?*z\n?*z\n!?z"} {
		for _, name := range []string{"a/b/c", "x", "y/x1z", "a.md", "dir1/b/a.pyc", "b!/b/\n/xz", "!a"} {
			f.Add(lines, name)
		}
	}
	f.Fuzz(func(t *testing.T, lines, name string) {
		if name == "" || name != path.Clean(name) || name[0] == '/' || strings.Contains(name, "..") {
			return
		}
		var all []string
		for line := range strings.Lines(lines) {
			more, err := parse(line, false)
			if err != nil {
				return
			}
			all = append(all, more...)
		}
		ours, err := newPatterns(all)
		docker, bad := patternmatcher.New(all)
		if err != nil || bad != nil { // what either refuses is not compared
			return
		}
		var folder []bool
		var info patternmatcher.MatchInfo
		for i := 0; i <= len(name); i++ {
			if i < len(name) && name[i] != '/' {
				continue
			}
			var out, want bool
			if out, folder, err = ours.match(name[:i], folder); err != nil {
				t.Fatal(err)
			}
			if want, info, err = docker.MatchesUsingParentResults(name[:i], info); err != nil {
				t.Fatal(err)
			}
			if out != want {
				t.Errorf("%q of %q: out %t, and by Docker %t", name[:i], all, out, want)
			}
		}
	})
}

// TestPatternLimits holds that patterns which take much memory are limited, by figures
// that the error names, and that others are not.
func TestPatternLimits(t *testing.T) {
	list := func(format string, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf(format, i))
		}
		return all
	}
	for _, tt := range []struct {
		name  string
		all   []string
		wrong string
	}{
		{"no patterns", nil, ""},
		{"a hundred thousand globs", list("dir%d/?*.z", 100_000), ""},
		{"any folder", list("**/%d*.z", 100_000), ""},
		{"as many negations as may be", list("!%d", maxNegations), ""},
		{"more negations", list("!%d", maxNegations+1), "more than 2000 patterns begin with a !"},
		{"as many brackets as may be", list("[a-f]%04d", maxRegular/9), ""},
		{"more brackets", list("[a-f]%04d", maxRegular/9+1), "have more than 32 KiB"},
	} {
		var l limits
		if err := l.add(tt.all...); (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.wrong)
		}
	}
}

// TestManyBadPatterns holds that bad patterns without an end are reported up to a number.
func TestManyBadPatterns(t *testing.T) {
	dir := tree(t, "Dockerfile")
	write(t, dir, ".dockerignore", strings.Repeat("[\n", 50_000))
	_, err := Pack(t.Context(), Options{Dir: dir})
	if n := strings.Count(fmt.Sprint(err), ".dockerignore:"); n != maxBad+1 {
		t.Errorf("%d problems, want %d and one more: %.300v", n, maxBad, err)
	}
}
