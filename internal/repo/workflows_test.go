package repo

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// workflow is what the audit reads of a workflow. Fields that are any have more than
// one form.
type workflow struct {
	On          any
	Permissions any
	Concurrency any
	Env         map[string]string
	Jobs        map[string]workflowJob
}

type workflowJob struct {
	Uses            string
	If              string
	Needs           any
	RunsOn          any `yaml:"runs-on"`
	Permissions     any
	Environment     any
	Container       any
	Services        any
	Secrets         any
	TimeoutMinutes  any  `yaml:"timeout-minutes"`
	ContinueOnError bool `yaml:"continue-on-error"`
	Steps           []workflowStep
}

type workflowStep struct {
	If, Uses, Run, Shell string
	With                 map[string]any
	ContinueOnError      bool `yaml:"continue-on-error"`
}

// parseWorkflow reads a workflow. Its key "on" is a text in YAML 1.2.
func parseWorkflow(text string) (w workflow, err error) {
	err = yaml.Unmarshal([]byte(text), &w)
	return w, err
}

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

var (
	pinned = regexp.MustCompile(`^[^@]+@[0-9a-f]{40}$`)
	// piped matches a script that runs what it downloads.
	piped = regexp.MustCompile(`(curl|wget)[^\n|]*\|\s*(sudo\s+)?(ba|da|z)?sh\b|(ba)?sh <\((curl|wget)|(ba)?sh -c "\$\((curl|wget)`)
	// quiet matches what keeps a script's failure from failing its step.
	quiet = regexp.MustCompile(`\|\|\s*(true|:|exit 0)\b|\bset \+e\b|;\s*true\s*$`)
	// latest matches a script that fetches a program of no version that is reviewed.
	latest = regexp.MustCompile(`\bgo (run|install) (-\S+ )*[^\s"]+@|\bnpx \S|\bpipx? install [^-]`)
	// obeyed matches commands that the runner takes from any text.
	obeyed = regexp.MustCompile(`::(set-output|set-env|add-path|save-state)\b|ACTIONS_ALLOW_UNSECURE_COMMANDS`)
)

// triggers are the events that a workflow may start at: those that run the code of
// somebody else never have rights or secrets.
var triggers = []string{"push", "pull_request", "workflow_dispatch", "workflow_call", "schedule", "release"}

// actions are those that a workflow uses, and the workflows that it calls.
func (w workflow) actions() (all []string) {
	for _, job := range w.Jobs {
		if job.Uses != "" {
			all = append(all, job.Uses)
		}
		for _, step := range job.Steps {
			if step.Uses != "" {
				all = append(all, step.Uses)
			}
		}
	}
	return all
}

// isPinned reports whether an action is used by its commit, and each line that uses
// it says which version that is.
func isPinned(text, action string) bool {
	lines := regexp.MustCompile(regexp.QuoteMeta(action)+`(.*)`).FindAllStringSubmatch(text, -1)
	version := regexp.MustCompile(`^["'},\s]* # v\d+\.\d+\.\d+(,.*)?$`)
	return pinned.MatchString(action) && len(lines) > 0 && !slices.ContainsFunc(lines, func(l []string) bool { return !version.MatchString(l[1]) })
}

// audit finds what makes any workflow unsafe.
func audit(text string) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	w, err := parseWorkflow(text)
	if err != nil {
		say("%v", err)
		return problems
	}
	for _, action := range w.actions() {
		if !strings.HasPrefix(action, "./") && !ours(action) && !strings.HasPrefix(action, "acme/") && !isPinned(text, action) {
			say("%s is not pinned to a commit, with its whole version behind it", action)
		}
	}
	events := names(w.On)
	if len(events) == 0 {
		say("it starts at no event")
	}
	for _, event := range events {
		if !slices.Contains(triggers, event) {
			say("it starts at %s, which gives rights to what others send; use one of %v", event, triggers)
		}
	}
	if w.Permissions == nil {
		say("it has no permissions at its top, so its jobs may have all")
	}
	for _, problem := range tooWide(w.Permissions, false) {
		say("%s", problem)
	}
	for name, value := range w.Env {
		if strings.Contains(value, "secrets.") {
			say("every step gets the secret in %s; give it to the step that needs it", name)
		}
	}
	if found := obeyed.FindString(text); found != "" {
		say("%s is obeyed wherever it is printed; write to GITHUB_OUTPUT", found)
	}
	for name, job := range w.Jobs {
		for _, problem := range auditJob(job) {
			say("job %s: %s", name, problem)
		}
	}
	return problems
}

// auditJob finds what makes a job unsafe.
func auditJob(job workflowJob) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	problems = append(problems, tooWide(job.Permissions, true)...)
	if job.Secrets == "inherit" {
		say("it passes on every secret; name those that are needed")
	}
	if job.Uses == "" && job.TimeoutMinutes == nil {
		say("it has no timeout-minutes, so it may hang for six hours")
	}
	if minutes, ok := job.TimeoutMinutes.(int); job.TimeoutMinutes != nil && (!ok || minutes < 1 || minutes > 120) {
		say("its timeout-minutes are %v; an hour or two is the most", job.TimeoutMinutes)
	}
	if image := fmt.Sprint(job.Container, job.Services); (job.Container != nil || job.Services != nil) && !strings.Contains(image, "@sha256:") {
		say("an image is not pinned to its digest")
	}
	for i, step := range job.Steps {
		action, _, _ := strings.Cut(step.Uses, "@")
		script := fmt.Sprint(step.Run, step.Shell, step.With["script"])
		switch {
		case strings.Contains(script, "${{"):
			say("step %d: a script has ${{ in it, which may be text of others; pass it by env", i+1)
		case piped.MatchString(script), latest.MatchString(script):
			say("step %d: a script runs what it downloads, unseen", i+1)
		}
		if action == "actions/checkout" && fmt.Sprint(step.With["persist-credentials"]) != "false" {
			say("step %d: the checkout leaves the job's token in the workspace; set persist-credentials: false", i+1)
		}
		if action == "actions/checkout" && strings.Contains(fmt.Sprint(step.With["ref"]), "pull_request.head") {
			say("step %d: it checks out what somebody else sent", i+1)
		}
		for input, value := range step.With {
			known, has := actionInputs[action]
			allowed, ok := known[input]
			switch {
			case has && !ok:
				say("step %d: %s has no input %s", i+1, action, input)
			case has && allowed != "" && !regexp.MustCompile(`^(`+allowed+`)$`).MatchString(fmt.Sprint(value)):
				say("step %d: %s of %s is %v", i+1, input, action, value)
			}
		}
		if foreign := action != "" && step.Uses != action && !ours(step.Uses) && !strings.HasPrefix(action, "acme/"); foreign && actionInputs[action] == nil {
			say("step %d: nothing is known of the inputs of %s; add it to actionInputs", i+1, action)
		}
	}
	return problems
}

// actionInputs are the inputs that are used of others' actions at the versions that
// are used, with what they may be: a pattern, or "" for anything.
var actionInputs = map[string]map[string]string{
	"actions/checkout":             {"persist-credentials": "false", "fetch-depth": `\d+`, "ref": "", "path": ""},
	"actions/setup-go":             {"go-version-file": "go.mod", "cache": "true|false"},
	"actions/upload-artifact":      {"name": "", "path": "", "if-no-files-found": "error|warn|ignore"},
	"actions/download-artifact":    {"name": "", "path": ""},
	"actions/attest":               {"subject-name": "", "subject-digest": "", "subject-path": "", "subject-checksums": "", "sbom-path": "", "push-to-registry": "true|false", "create-storage-record": "true|false"},
	"docker/setup-qemu-action":     {"platforms": "(arm64|amd64)(,(arm64|amd64))*"},
	"docker/setup-buildx-action":   {},
	"docker/login-action":          {"registry": `[a-z0-9.-]+`, "username": "", "password": `\$\{\{ (github\.token|secrets\.\w+) \}\}`},
	"docker/build-push-action":     {"context": "", "platforms": "linux/(arm64|amd64)(,linux/(arm64|amd64))*", "tags": "", "push": "true|false", "file": "", "provenance": "true|false"},
	"github/codeql-action/init":    {"languages": "", "build-mode": ""},
	"github/codeql-action/analyze": {},
}

// scopes are GitHub's permissions of a job's token.
var scopes = []string{"actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "packages", "pages", "pull-requests", "security-events", "statuses"}

// tooWide finds permissions that are more than a workflow, or a job, should have.
func tooWide(permissions any, job bool) (problems []string) {
	switch p := permissions.(type) {
	case nil:
	case map[string]any:
		for scope, level := range p {
			switch {
			case !slices.Contains(scopes, scope):
				problems = append(problems, "there is no permission "+scope)
			case !slices.Contains([]any{"read", "write", "none"}, level):
				problems = append(problems, fmt.Sprintf("the permission %s is %v", scope, level))
			case level == "write" && !job:
				problems = append(problems, "every job may write "+scope+"; say so in the job that does")
			}
		}
	default:
		problems = append(problems, fmt.Sprintf("permissions: %v is not a list of what is needed", p))
	}
	return problems
}

// writes are the jobs of this repository whose token may change anything. Each is
// started by a person who may release, but for what CodeQL finds.
var writes = map[string][]string{
	"release.yml image":   {"attestations", "id-token", "packages"},
	"release.yml files":   {"attestations", "id-token"},
	"release.yml draft":   {"contents"},
	"published.yml major": {"contents"},
	"codeql.yml analyze":  {"security-events"},
}

// auditOwn finds what makes a workflow of this repository unsafe, or a check of it
// green without checking.
func auditOwn(file, text string) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	w, err := parseWorkflow(text)
	if err != nil {
		return nil // audit says so
	}
	releases := file == "release.yml" || file == "published.yml"
	if group, ok := w.Concurrency.(map[string]any); releases && (!ok || group["cancel-in-progress"] != false) {
		say("another run may cancel it halfway; set cancel-in-progress: false")
	}
	if file == "release.yml" && !slices.Equal(names(w.On), []string{"workflow_dispatch"}) {
		say("a release is started by a person alone")
	}
	if strings.Contains(text, "secrets.") {
		say("it uses a secret; the job's own token is enough")
	}
	for name, job := range w.Jobs {
		got := written(job.Permissions)
		if want := writes[file+" "+name]; !slices.Equal(got, want) {
			say("job %s may write %q, want %q; a change is for writes in workflows_test.go, too", name, got, want)
		}
		if file == "release.yml" && len(got) > 0 && job.Environment != "release" {
			say("job %s writes without environment: release, where a person stands in between", name)
		}
		if want := needs[file+" "+name]; !slices.Equal(names(job.Needs), want) {
			say("job %s needs %q, want %q; a change is for needs in workflows_test.go, too", name, names(job.Needs), want)
		}
		if strings.Contains(fmt.Sprint(job.RunsOn), "self-hosted") {
			say("job %s runs on a machine that keeps what others left", name)
		}
		if off(job.If) || job.ContinueOnError {
			say("job %s is turned off, or may fail unseen", name)
		}
		for i, step := range job.Steps {
			action, _, _ := strings.Cut(step.Uses, "@")
			if off(step.If) || quiet.MatchString(step.Run) || step.ContinueOnError && !strings.HasPrefix(step.Uses, "./") {
				say("job %s: step %d is turned off, or may fail unseen", name, i+1)
			}
			if releases && (action == "actions/cache" || action == "actions/setup-go" && fmt.Sprint(step.With["cache"]) != "false") {
				say("job %s: step %d takes bytes of other jobs from a cache", name, i+1)
			}
		}
	}
	return problems
}

// needs are the jobs that must pass before a job of this repository: nothing is
// published that was not tested, and pulled as a stranger.
var needs = map[string][]string{
	"release.yml build":    {"test"},
	"release.yml sbom":     {"build"},
	"release.yml image":    {"build", "sbom"},
	"release.yml files":    {"build", "sbom"},
	"release.yml stranger": {"image"},
	"release.yml draft":    {"files", "image", "stranger"},
	"published.yml verify": {"version"},
	"published.yml major":  {"verify", "version"},
}

// off reports whether a condition is never met, or goes on after a failure.
func off(condition string) bool {
	condition = strings.Trim(condition, "${} \t\n")
	return condition == "false" || condition == "0" || strings.Contains(condition, "always()") || strings.Contains(condition, "failure()") || strings.Contains(condition, "false &&")
}

// written are the permissions that may write, in order.
func written(permissions any) (scopes []string) {
	p, _ := permissions.(map[string]any)
	for _, scope := range slices.Sorted(maps.Keys(p)) {
		if p[scope] == "write" {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// names are the keys, items or the text of a value, in order.
func names(value any) (all []string) {
	switch v := value.(type) {
	case string:
		all = []string{v}
	case []any:
		for _, item := range v {
			all = append(all, fmt.Sprint(item))
		}
	case map[string]any:
		all = slices.Collect(maps.Keys(v))
	}
	slices.Sort(all)
	return all
}

// gates are what CI must run, by workflow and job: who removes one is told.
var gates = map[string][]string{
	"ci.yml check":               {".ci/run", "go test -race -shuffle=on ./...", ".ci/tool govulncheck ./..."},
	"ci.yml image":               {".ci/container"},
	"ci.yml binaries":            {".ci/binaries", ".ci/release rehearse"},
	"ci.yml search":              {"-args -runs 100000", "-args -broken"},
	"ci.yml pins":                {".ci/links pins"},
	"e2e.yml deploy":             {".ci/e2e check"},
	"e2e.yml setup":              {".ci/e2e check-setup"},
	"release.yml test":           {".ci/release check", ".ci/run", ".ci/tool govulncheck ./..."},
	"release.yml stranger":       {".ci/release pull"},
	"published.yml verify":       {".ci/release verify"},
	"weekly.yml vulnerabilities": {".ci/tool govulncheck ./..."},
	"weekly.yml links":           {".ci/links"},
	"codeql.yml analyze":         {"github/codeql-action/analyze@"},
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
		want := map[string][]string{"ci.yml": {"pull_request", "push"}, "e2e.yml": {"pull_request", "push"}, "weekly.yml": {"schedule"}, "published.yml": {"release", "schedule"}, "codeql.yml": {"pull_request", "schedule"}}[file]
		for _, event := range want {
			if !slices.Contains(names(w.On), event) {
				t.Errorf("%s does not start at %s", file, event)
			}
		}
		for _, filter := range []string{"paths:", "paths-ignore:", "branches-ignore:", "[skip ci]"} {
			if strings.Contains(text, filter) {
				t.Errorf("%s: with %s some changes are not checked", file, filter)
			}
		}
	}
	check := read(t, ".ci/run")
	for _, step := range []string{"go test ./...", "formatted", "go vet ./...", ".ci/tool staticcheck ./...", ".ci/tool actionlint", ".ci/oracle"} {
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
func TestActionFiles(t *testing.T) {
	_, runs, _ := strings.Cut(read(t, "action.yml"), "\nruns:\n")
	if want := "  using: docker\n  image: Dockerfile\n"; runs != want {
		t.Errorf("action.yml runs\n%swant\n%s", runs, want)
	}
	var action struct {
		Runs struct {
			Using string
			Steps []struct {
				ID, Shell, Run string
				Env            map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "setup/action.yml")), &action); err != nil {
		t.Fatal(err)
	}
	steps := action.Runs.Steps
	if action.Runs.Using != "composite" || len(steps) != 1 || steps[0].ID != "deploy" || steps[0].Shell != "bash" || steps[0].Run != `exec bash "$GITHUB_ACTION_PATH/run.sh"` {
		t.Errorf("setup/action.yml runs %+v", action.Runs)
	}
}

// TestVerifyLines holds that each command which verifies what is published names the
// repository, and the branch that it must come from.
func TestVerifyLines(t *testing.T) {
	lines := regexp.MustCompile(`gh attestation verify(?:[^\n]*\\\n)*[^\n]*`)
	n := 0
	for page, text := range prose(t) {
		for _, line := range lines.FindAllString(text, -1) {
			if n++; !strings.Contains(line, "--repo ") || !strings.Contains(line, "--source-ref refs/heads/main") {
				t.Errorf("%s: %q lacks --repo or --source-ref, without which an image of any branch passes", page, line)
			}
		}
	}
	if n < 3 {
		t.Errorf("only %d commands", n)
	}
}

// strict reads YAML into a value, and refuses keys that it does not have.
func strict(text string, into any) error {
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	d.KnownFields(true)
	return d.Decode(into)
}
