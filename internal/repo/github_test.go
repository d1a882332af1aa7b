package repo

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/version"
)

// TestDependabot holds that GitHub can read the file, and that whatever has versions
// in this repository gets updates.
func TestDependabot(t *testing.T) {
	var config struct {
		Version int
		Updates []struct {
			Ecosystem string `yaml:"package-ecosystem"`
			Directory string
			Schedule  struct{ Interval, Day, Time, Timezone string }
			Cooldown  struct {
				Days int `yaml:"default-days"`
			}
			Groups map[string]struct{ Patterns []string }
			Ignore []struct {
				Name string `yaml:"dependency-name"`
			}
			Commit struct{ Prefix string } `yaml:"commit-message"`
		}
	}
	if err := strict(read(t, ".github/dependabot.yml"), &config); err != nil {
		t.Fatal(err)
	}
	if config.Version != 2 {
		t.Errorf("version is %d, want 2", config.Version)
	}
	markers := map[string]string{"gomod": "go.mod", "docker": "Dockerfile", "pip": "requirements.in"}
	watched := map[string]bool{}
	for _, u := range config.Updates {
		at := u.Ecosystem + " " + u.Directory
		if watched[at] {
			t.Errorf("%s is there twice, which GitHub refuses", at)
		}
		watched[at] = true
		if !slices.Contains([]string{"daily", "weekly", "monthly"}, u.Schedule.Interval) {
			t.Errorf("%s: the interval is %q", at, u.Schedule.Interval)
		}
		if u.Cooldown.Days < 3 {
			t.Errorf("%s: an update comes %d days after its release; wait at least 3, in which bad ones are found", at, u.Cooldown.Days)
		}
		for _, ignored := range u.Ignore {
			if !strings.HasPrefix(ignored.Name, "acme/") { // which nobody is
				t.Errorf("%s: %s gets no updates", at, ignored.Name)
			}
		}
		for name, group := range u.Groups {
			if !slices.Equal(group.Patterns, []string{"*"}) {
				t.Errorf("%s: the group %s is of %q; want *, or its updates come one by one", at, name, group.Patterns)
			}
		}
		if marker := markers[u.Ecosystem]; marker == "" && u.Ecosystem != "github-actions" {
			t.Errorf("%s: nothing here has versions of that kind", at)
		} else if _, err := os.Stat(filepath.Join(".", u.Directory, marker)); err != nil {
			t.Errorf("%s: %v", at, err)
		}
	}
	for _, want := range []string{"gomod /", "gomod /tools", "docker /", "pip /.ci/oracle.d", "github-actions /", "github-actions /examples"} {
		if !watched[want] {
			t.Errorf("%s gets no updates", want)
		}
	}
}

// form is an issue form, as GitHub reads it.
type form struct {
	Name, Description, Title string
	Labels                   []string
	Body                     []struct {
		Type, ID   string
		Attributes struct {
			Label, Description, Placeholder, Value, Render string
			Options                                        []any // a checkbox is a table
			Multiple                                       bool
		}
		Validations struct{ Required bool }
	}
}

// TestForms holds that GitHub can read the issue forms: it shows none that it can't.
func TestForms(t *testing.T) {
	files, err := filepath.Glob(".github/ISSUE_TEMPLATE/*")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	titles := map[string]bool{}
	for _, file := range files {
		switch {
		case filepath.Base(file) == "config.yml":
			var config struct {
				Blank bool                                `yaml:"blank_issues_enabled"`
				Links []struct{ Name, URL, About string } `yaml:"contact_links"`
			}
			if err := strict(read(t, file), &config); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			for _, link := range config.Links {
				if link.Name == "" || link.About == "" || !strings.HasPrefix(link.URL, "https://") {
					t.Errorf("%s: a link has no name, no about, or no https address: %+v", file, link)
				}
			}
		case filepath.Ext(file) != ".yml":
			t.Errorf("%s: GitHub reads .yml", file)
		default:
			var f form
			if err := strict(read(t, file), &f); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			for _, problem := range formProblems(f) {
				t.Errorf("%s: %s", file, problem)
			}
			if titles[f.Name] {
				t.Errorf("%s: there are two forms called %q", file, f.Name)
			}
			titles[f.Name] = true
		}
	}
}

func formProblems(f form) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if f.Name == "" || f.Description == "" {
		say("it has no name or no description")
	}
	seen, asks := map[string]bool{}, false
	for i, field := range f.Body {
		a := field.Attributes
		switch field.Type {
		case "markdown":
			if a.Value == "" {
				say("field %d has no text", i+1)
			}
			continue
		case "dropdown", "checkboxes":
			options := map[string]bool{"None": true} // which GitHub adds itself
			for _, option := range a.Options {
				if text := fmt.Sprint(option); options[text] {
					say("field %d: GitHub refuses a second option %s", i+1, text)
				} else {
					options[text] = true
				}
			}
			if len(a.Options) == 0 {
				say("field %d has no options", i+1)
			}
		case "textarea":
			if !slices.Contains([]string{"", "json", "shell", "text", "yaml"}, a.Render) {
				say("field %d: %s is no language that is known here", i+1, a.Render)
			}
		case "input":
		default:
			say("field %d: there is no type %q", i+1, field.Type)
		}
		asks = true
		for _, key := range []string{"id " + field.ID, "label " + a.Label} {
			if seen[key] {
				say("two fields have the %s", key)
			}
			seen[key] = true
		}
		if a.Label == "" || !regexp.MustCompile(`^[\w-]+$`).MatchString(field.ID) {
			say("field %d has no label, or its id is %q", i+1, field.ID)
		}
	}
	if !asks {
		say("it asks nothing")
	}
	return problems
}

// TestCodeOwners holds that what a release is made by has an owner, and that each line
// is of files that are there. Of the lines that match a file, GitHub takes the last.
func TestCodeOwners(t *testing.T) {
	owners := map[string][]string{".ci/release": nil, ".github/CODEOWNERS": nil, ".github/workflows/release.yml": nil, "action.yml": nil, "setup/run.sh": nil, "tools/go.mod": nil, "main.go": nil}
	named := map[string]bool{}
	for line := range strings.Lines(read(t, ".github/CODEOWNERS")) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		pattern := words[0]
		if named[pattern] = true; pattern != "*" {
			if _, err := os.Stat(strings.Trim(pattern, "/")); err != nil || !strings.HasPrefix(pattern, "/") {
				t.Errorf("%q: a pattern is * or begins with /: %v", line, err)
			}
		}
		for file := range owners {
			if pattern == "*" || "/"+file == pattern || strings.HasPrefix("/"+file, strings.TrimSuffix(pattern, "/")+"/") {
				owners[file] = words[1:]
			}
		}
	}
	for file, of := range owners {
		if !slices.Contains(of, "@"+account) {
			t.Errorf("%s is owned by %q, and not by @%s", file, of, account)
		}
	}
	for _, want := range []string{"*", "/.ci/", "/.github/", "/action.yml", "/setup/", "/tools/"} {
		if !named[want] {
			t.Errorf("%s has no owner", want)
		}
	}
}

// TestChangelog holds that a release finds its notes: the headings are versions, the
// newest first, each once, and what is not released yet comes before them.
func TestChangelog(t *testing.T) {
	headings := regexp.MustCompile(`(?m)^## (.*)$`).FindAllStringSubmatch(read(t, "CHANGELOG.md"), -1)
	if len(headings) == 0 || headings[0][1] != "[Unreleased]" {
		t.Fatalf("CHANGELOG.md does not begin with ## [Unreleased]: %v", headings)
	}
	heading := regexp.MustCompile(`^(?:\[(\d+\.\d+\.\d+(?:-rc\.\d+)?)\]|v(\d+\.\d+\.\d+(?:-rc\.\d+)?)) [-–] (\d{4}-\d{2}-\d{2})$`)
	last := []int{math.MaxInt}
	for _, h := range headings[1:] {
		m := heading.FindStringSubmatch(h[1])
		if m == nil {
			t.Errorf("CHANGELOG.md: %q is not [1.2.3] - 2000-12-31, or v1.2.3 - 2000-12-31", h[1])
			continue
		}
		v := numbers(m[1] + m[2])
		if slices.Compare(v, last) >= 0 {
			t.Errorf("CHANGELOG.md: %s is there twice, or is newer than the one above it", m[1]+m[2])
		}
		last = v
		if _, err := time.Parse(time.DateOnly, m[3]); err != nil {
			t.Errorf("CHANGELOG.md: %v", err)
		}
	}
}

// numbers are those of a version, in the order of their weight: a candidate comes before
// its version.
func numbers(version string) (all []int) {
	for _, part := range strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' }) {
		n, _ := strconv.Atoi(part)
		all = append(all, n)
	}
	if len(all) == 3 {
		all = append(all, math.MaxInt)
	}
	return all
}

// TestAddresses holds that every address of this repository, and every use of it, names
// the same account: one that is misspelled is somebody else's.
func TestAddresses(t *testing.T) {
	named := regexp.MustCompile(`(?:github\.com/|ghcr\.io/|uses: |--repo |--signer-workflow )([\w-]+)/pipecat-cloud-deploy(?:[^\w-]|$)`)
	if !strings.Contains(read(t, "internal/version/version.go"), "\nconst Repository = \""+version.Repository+"\"\n") {
		t.Error(".ci/release does not find the repository's name in internal/version/version.go")
	}
	n := 0
	for file, text := range texts(t) {
		page := strings.HasSuffix(file, ".md") || strings.HasPrefix(file, "examples/") || strings.HasPrefix(file, ".github/")
		if !page {
			continue
		}
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			if n++; !strings.EqualFold(m[1], account) {
				t.Errorf("%s: %s is not of %s", file, m[0], account)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d addresses", n)
	}
}
