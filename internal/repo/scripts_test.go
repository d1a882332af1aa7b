package repo

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestSteps holds that a step that fails fails its script: it runs the scripts from
// where they define what a step is, the first of them as false, the others as true.
func TestSteps(t *testing.T) {
	step := regexp.MustCompile(`(?m)^( *step) .+$`)
	for script, from := range map[string]string{".ci/run": "step()", ".ci/all": "failed=()"} {
		_, text, ok := strings.Cut(read(t, script), "\n"+from)
		if !ok {
			t.Fatalf("%s has no %s", script, from)
		}
		passing := "set -euo pipefail\n" + from + step.ReplaceAllString(text, "$1 true")
		failing := strings.Replace(passing, "step true", "step false", 1)
		if out, err := exec.Command("bash", "-c", passing).CombinedOutput(); err != nil {
			t.Errorf("%s fails where no step does: %v\n%s", script, err, out)
		}
		if out, err := exec.Command("bash", "-c", failing).CombinedOutput(); err == nil {
			t.Errorf("%s passes though a step failed:\n%s", script, out)
		}
	}
	if !strings.HasSuffix(read(t, ".ci/container"), "\nsignals\n[ \"${1-}\" = signals ] || built\n") {
		t.Error(".ci/container does not end with both of its parts")
	}
}

// TestLinksScript runs .ci/links where git knows no tag and curl finds no page: it must
// ask for each, by https that is verified, and fail.
func TestLinksScript(t *testing.T) {
	bin := t.TempDir()
	write(t, filepath.Join(bin, "git"), "#!/bin/sh\n[ $1 = ls-remote ] || find .github examples *.md docs -type f -print0\n")
	write(t, filepath.Join(bin, "curl"), "#!/bin/sh\necho \"curl $*\"\nexit 22\n")
	cmd := exec.Command(".ci/links")
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	text, err := cmd.CombinedOutput()
	out := string(text)
	pins, pages, asked := strings.Count(out, ", which is at no commit\n"), strings.Count(out, "nothing at https://"), strings.Count(out, "curl ")
	if want := len(pinnedActions(t)); err == nil || pins != want || pages < 3 || asked != 2*pages {
		t.Errorf(".ci/links: %v, %d actions of %d, %d pages by %d requests:\n%s", err, pins, want, pages, asked, out)
	}
	for line := range strings.Lines(out) {
		if args := strings.Fields(line); args[0] == "curl" && (!slices.Contains(args, "--fail") || slices.Contains(args, "--insecure") || slices.Contains(args, "-k")) {
			t.Errorf(".ci/links: a page that is not there, or not its owner's, passes: %s", line)
		}
	}
}

// pinnedActions are the others' actions that workflows use, each once.
func pinnedActions(t *testing.T) []string {
	all := map[string]bool{}
	files, _ := filepath.Glob(".github/workflows/*")
	examples, _ := filepath.Glob("examples/*")
	for _, file := range append(files, examples...) {
		w, err := parseWorkflow(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range w.actions() {
			if pinned.MatchString(action) {
				all[action] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// TestE2E holds that .ci/e2e checks each use of the actions, and that those may fail,
// and no other, which it expects to.
func TestE2E(t *testing.T) {
	w, err := parseWorkflow(read(t, e2eYML))
	if err != nil {
		t.Fatal(err)
	}
	for job, function := range map[string]string{"deploy": "check", "setup": "check_setup"} {
		_, checks, _ := strings.Cut(read(t, ".ci/e2e"), "\n"+function+"() {\n")
		checks, _, _ = strings.Cut(checks, "\n}\n")
		want, got := map[string]string{}, map[string]string{}
		for _, m := range regexp.MustCompile(`(?m)^  expect (\w+) (\w+) `).FindAllStringSubmatch(checks, -1) {
			want[m[1]] = m[2]
		}
		for _, step := range w.Jobs[job].Steps {
			if strings.HasPrefix(step.Uses, "./") {
				got[step.ID] = map[bool]string{false: "success", true: "failure"}[step.ContinueOnError]
			}
		}
		if len(want) < 4 || !maps.Equal(got, want) {
			t.Errorf("job %s of e2e.yml lets these end so: %v; .ci/e2e expects %v", job, got, want)
		}
	}
}

// TestActionlint holds that what actionlint is not to find is said word for word.
func TestActionlint(t *testing.T) {
	var config struct {
		Paths map[string]struct{ Ignore []string }
	}
	if err := yaml.Unmarshal([]byte(read(t, ".github/actionlint.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	for file, of := range config.Paths {
		for _, text := range of.Ignore {
			if regexp.QuoteMeta(text) != text || len(text) < 20 || strings.Contains(file, "*") {
				t.Errorf("actionlint.yaml: %s: %q may be anything", file, text)
			}
		}
	}
}

// TestRequirements holds that pip takes nothing but what was reviewed: each package has
// a version, and each of its lines after that is a hash.
func TestRequirements(t *testing.T) {
	files, err := filepath.Glob(".ci/oracle.d/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no requirements: %v", err)
	}
	whole := regexp.MustCompile(`^((\n|# [^\n]*\n)*[\w.-]+(\[[\w,-]+\])?==\S+( ; [^\\]+)? \\\n(    --hash=sha256:[0-9a-f]{64} \\\n)*    --hash=sha256:[0-9a-f]{64}\n)+$`)
	for _, file := range files {
		if !whole.MatchString(read(t, file)) {
			t.Errorf("%s: there is more in it, or less, than versions with their hashes", file)
		}
	}
}
