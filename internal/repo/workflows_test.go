package repo

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"go.yaml.in/yaml/v4"

	"pipecat-cloud-deploy/internal/version"
)

// TestWorkflows audits every workflow of this repository, and those that users paste.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob(".github/workflows/*")
	examples, _ := filepath.Glob("examples/*")
	if err != nil || len(files) < 4 || len(examples) == 0 {
		t.Fatalf("%d workflows, %d examples: %v", len(files), len(examples), err)
	}
	for _, file := range append(files, examples...) {
		for _, problem := range audit(read(t, file)) {
			t.Errorf("%s: %s", file, problem)
		}
	}
	for _, file := range files {
		for _, problem := range auditOwn(filepath.Base(file), read(t, file)) {
			t.Errorf("%s: %s", file, problem)
		}
	}
}

// gates are what CI must run, by workflow and job: the test fails when one is removed.
var gates = map[string][]string{
	"ci.yml check":               {".ci/run", "go test -race -shuffle=on ./...", ".ci/tool govulncheck ./..."},
	"ci.yml image":               {".ci/container"},
	"ci.yml binaries":            {".ci/binaries", ".ci/release rehearse"},
	"ci.yml search":              {"-args -runs 100000", "-args -broken"},
	"ci.yml pins":                {".ci/links pins"},
	"ci.yml pictures":            {".ci/pictures", "actions/upload-artifact@"},
	"e2e.yml deploy":             {".ci/e2e check"},
	"e2e.yml setup":              {".ci/e2e check-setup"},
	"release.yml test":           {".ci/release check", ".ci/run", ".ci/tool govulncheck ./..."},
	"release.yml stranger":       {".ci/release pull"},
	"release.yml draft":          {".ci/release commit", ".ci/release notes", ".ci/release draft"},
	"published.yml version":      {".ci/release plan"},
	"published.yml verify":       {".ci/release verify"},
	"published.yml major":        {".ci/release move"},
	"weekly.yml vulnerabilities": {".ci/tool govulncheck ./..."},
	"weekly.yml links":           {".ci/links"},
	"codeql.yml analyze":         {"github/codeql-action/analyze@"},
}

// matrices are what the jobs with one are run for: the runners that users have, and
// the languages of this repository.
var matrices = map[string]string{
	"e2e.yml deploy":     "map[runner:[ubuntu-latest ubuntu-24.04-arm]]",
	"e2e.yml setup":      "map[runner:[ubuntu-latest macos-latest windows-latest]]",
	"codeql.yml analyze": "map[include:[map[build-mode:autobuild language:go] map[build-mode:none language:actions]]]",
}

// TestGates holds that every check is still run, on every change or by its schedule.
func TestGates(t *testing.T) {
	for at, commands := range gates {
		file, name, _ := strings.Cut(at, " ")
		text := read(t, ".github/workflows/"+file)
		w, err := parseWorkflow(text)
		if err != nil {
			t.Fatal(err)
		}
		var run strings.Builder
		for _, step := range w.Jobs[name].Steps {
			fmt.Fprintln(&run, step.Run, step.Uses)
		}
		for _, command := range commands {
			if !strings.Contains(run.String(), command) {
				t.Errorf("%s: job %s does not run %s", file, name, command)
			}
		}
		want := map[string][]string{"ci.yml": {"pull_request", "push"}, "e2e.yml": {"pull_request", "push"}, "weekly.yml": {"schedule"}, "published.yml": {"schedule", "workflow_dispatch"}, "codeql.yml": {"pull_request", "schedule"}}[file]
		for _, event := range want {
			if !slices.Contains(names(w.On), event) {
				t.Errorf("%s does not start at %s", file, event)
			}
		}
		if on, _ := w.On.(map[string]any); slices.Contains(want, "pull_request") && (on["pull_request"] != nil || fmt.Sprint(on["push"]) != "map[branches:[main fix/v*]]") {
			t.Errorf("%s: it starts at %v, want every pull request, and every push to main or to a fix of an older version", file, on)
		}
		if want, got := matrices[at], w.Jobs[name].Strategy.Matrix; want != "" && fmt.Sprint(got) != want {
			t.Errorf("%s: job %s is for %v, want %s", file, name, got, want)
		}
		for _, filter := range []string{"paths:", "paths-ignore:", "branches-ignore:", "[skip ci]"} {
			if strings.Contains(text, filter) {
				t.Errorf("%s: with %s some changes are not checked", file, filter)
			}
		}
	}
	check := read(t, ".ci/run")
	for _, step := range []string{"go test ./...", "go test -run 'Search$' .", "go test ./internal/repo -run TestContributing -args -each", "formatted", "go vet ./...", ".ci/tool staticcheck ./...", ".ci/tool actionlint", ".ci/oracle"} {
		if !regexp.MustCompile(`(?m)^step ` + regexp.QuoteMeta(step) + `(\s[^|]*)?$`).MatchString(check) {
			t.Errorf(".ci/run has no step %s, or lets it fail", step)
		}
	}
	scripts, _ := filepath.Glob(".ci/*")
	for _, script := range scripts {
		info, err := os.Stat(script)
		if err != nil || info.IsDir() {
			continue
		}
		if text := read(t, script); !strings.Contains(text, "\nset -euo pipefail\n") || !strings.HasPrefix(text, "#!/usr/bin/env bash\n") || info.Mode()&0o111 == 0 {
			t.Errorf("%s: it must be a bash script that stops at what fails, and be executable", script)
		} else if piped.MatchString(text) || latest.MatchString(text) {
			t.Errorf("%s: it runs what it downloads, unseen", script)
		}
	}
}

// TestAll holds that .ci/all runs whatever CI does on a change.
func TestAll(t *testing.T) {
	all := read(t, ".ci/all")
	n := 0
	for _, file := range []string{"ci.yml", "weekly.yml"} {
		w, err := parseWorkflow(read(t, ".github/workflows/"+file))
		if err != nil {
			t.Fatal(err)
		}
		for name, job := range w.Jobs {
			for _, step := range job.Steps {
				for command := range strings.SplitSeq(step.Run, "&&") {
					command = strings.TrimSuffix(strings.TrimSpace(command), " pins") // .ci/links does more
					if n++; command != "" && !strings.Contains(all, "step "+command+"\n") {
						t.Errorf(".ci/all does not run %q, as job %s of %s does", command, name, file)
					}
				}
			}
		}
	}
	if n < 10 || !strings.Contains(all, "\nstep .ci/e2e\n") {
		t.Errorf("CI has only %d commands, or .ci/all does not run .ci/e2e", n)
	}
}

// TestActionFiles holds what runs when the actions are used: the image that is built
// of this commit until a release names its own, and one script without expressions.
// It holds how they are shown, too, which the Marketplace refuses or changes unseen.
func TestActionFiles(t *testing.T) {
	_, runs, _ := strings.Cut(read(t, "action.yml"), "\nruns:\n")
	if want := "  using: docker\n  image: Dockerfile\n"; runs != want {
		t.Errorf("action.yml runs\n%swant\n%s", runs, want)
	}
	type action struct {
		Name, Description string
		Branding          struct{ Icon, Color string }
		Runs              struct {
			Using string
			Steps []struct {
				ID, Shell, Run string
				Env            map[string]string
			}
		}
	}
	var container, setup action
	for file, to := range map[string]*action{"action.yml": &container, "setup/action.yml": &setup} {
		if err := yaml.Unmarshal([]byte(read(t, file)), to); err != nil {
			t.Fatal(err)
		}
		if n := len(to.Description); n == 0 || n > 125 {
			t.Errorf("%s: its description has %d characters; GitHub shows 125", file, n)
		}
	}
	// The Marketplace's address is made of the name.
	if b := container.Branding; container.Name != "Pipecat Cloud Deploy" || !slices.Contains(icons, b.Icon) || !slices.Contains(colors, b.Color) {
		t.Errorf("action.yml: the name is %q; want Pipecat Cloud Deploy, with an icon and a color that GitHub has: %+v", container.Name, b)
	}
	steps := setup.Runs.Steps
	if setup.Runs.Using != "composite" || len(steps) != 1 || steps[0].ID != "deploy" || steps[0].Shell != "bash" || steps[0].Run != `exec bash "$GITHUB_ACTION_PATH/run.sh"` {
		t.Errorf("setup/action.yml runs %+v", setup.Runs)
	}
	attributes := read(t, ".gitattributes")
	if !strings.Contains(attributes, "\n* -text\n") {
		t.Error("git may give scripts \\r\\n on Windows, which bash does not read; .gitattributes must have * -text")
	}
	if strings.Contains(attributes, "export-") {
		t.Error(".gitattributes: the runner fetches an action as an archive, which must have every file as it is")
	}
}

// icons are those of GitHub's that would fit, and colors all that it has.
var (
	icons  = []string{"cloud", "phone", "phone-call", "phone-outgoing", "upload-cloud"}
	colors = []string{"black", "blue", "gray-dark", "green", "orange", "purple", "red", "white", "yellow"}
)

// TestImage holds that the Dockerfile builds with the Go of go.mod, of every file that
// the program is made of, an image with the program alone.
func TestImage(t *testing.T) {
	file := read(t, "Dockerfile")
	toolchain := regexp.MustCompile(`(?m)^toolchain go(.+)$`).FindStringSubmatch(read(t, "go.mod"))
	from := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(file, -1)
	if len(from) != 2 || from[0][1] != "golang:"+toolchain[1]+"-bookworm" || from[1][1] != "scratch" {
		t.Errorf("Dockerfile is from %v; want golang:%s-bookworm, as in go.mod, and then scratch", from, toolchain[1])
	}
	if regexp.MustCompile(`(?m)^\s*(USER|CMD|ENV|VOLUME)\b`).MatchString(file) || !strings.HasSuffix(file, "\nENTRYPOINT [\"/pipecat-cloud-deploy\"]\n") {
		t.Error("Dockerfile: the image has its program as the entry point, and no user, command, variables or volumes")
	}
	ignored, err := patternmatcher.New(strings.Split(strings.TrimSpace(read(t, ".dockerignore")), "\n"))
	if err != nil {
		t.Fatal(err)
	}
	needed := []string{"go.mod", "go.sum"}
	for name, text := range texts(t) {
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "tools/") || strings.Contains(name, "/testdata/") {
			continue
		}
		needed = append(needed, name)
		for _, m := range regexp.MustCompile(`(?m)^//go:embed (\S+)`).FindAllStringSubmatch(text, -1) {
			needed = append(needed, path.Join(path.Dir(name), m[1]))
		}
	}
	for _, name := range needed {
		if out, err := ignored.MatchesOrParentMatches(name); err != nil || out {
			t.Errorf(".dockerignore leaves out %s: %v", name, err)
		}
	}
}

// TestRequiredChecks holds that the settings in docs/releasing.md require each check of
// a pull request, that a release waits for them, and that they run on what is released.
func TestRequiredChecks(t *testing.T) {
	m := regexp.MustCompile(`required checks: ([^|]*)\|`).FindStringSubmatch(read(t, "docs/releasing.md"))
	if m == nil {
		t.Fatal("docs/releasing.md has no required checks")
	}
	var listed, want []string
	for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(m[1], -1) {
		listed = append(listed, name[1])
	}
	files, _ := filepath.Glob(".github/workflows/*")
	for _, file := range files {
		w, err := parseWorkflow(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(names(w.On), "pull_request") {
			continue
		}
		want = slices.AppendSeq(want, maps.Keys(w.Jobs))
		events, _ := w.On.(map[string]any)
		if push, _ := events["push"].(map[string]any); !slices.Equal(names(push["branches"]), []string{"fix/v*", "main"}) {
			t.Errorf("%s does not run on the branches that releases are made from, main and fix/v*", file)
		}
		workflow := strings.TrimSuffix(filepath.Base(file), ".yml")
		if !regexp.MustCompile(`for workflow in [^;]*\b` + workflow + `\b[^;]*; do`).MatchString(read(t, ".ci/release")) {
			t.Errorf(".ci/release check does not wait for %s", file)
		}
	}
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("docs/releasing.md requires the checks %q, want %q", listed, want)
	}
}

// TestVerifyLines holds that each command which verifies what is published names the
// repository, the workflow and the branch that it must come from.
func TestVerifyLines(t *testing.T) {
	lines := regexp.MustCompile(`gh attestation verify(?:[^\n]*\\\n)*[^\n]*`)
	n := 0
	for page, text := range prose(t) {
		for _, line := range lines.FindAllString(text, -1) {
			n++
			m := regexp.MustCompile(`--repo ` + version.Repository + `\s[^|]*--signer-workflow ` + version.Repository + `/(\S+)\s[^|]*--source-ref refs/heads/main\b`).FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s: %q lacks --repo, --signer-workflow or --source-ref, in this order, without which an image of any branch passes", page, line)
			} else if _, err := os.Stat(m[1]); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d commands", n)
	}
}

// strict reads YAML into a value, and refuses keys that it does not have.
func strict(text string, into any) error {
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	return d.Decode(into)
}
