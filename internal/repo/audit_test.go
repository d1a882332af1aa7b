package repo

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// workflow is what the audit reads of a workflow. Fields that are any have more than
// one form.
type workflow struct {
	On          any
	Permissions any
	Concurrency any
	Env         map[string]string
	Defaults    struct{ Run struct{ Shell string } }
	Jobs        map[string]workflowJob
}

// workflowJob is a job of steps, or one that calls another workflow.
type workflowJob struct {
	Uses            string
	If              string
	Needs           any
	RunsOn          any `yaml:"runs-on"`
	Permissions     any
	Environment     any
	Concurrency     any
	Env             map[string]string
	Defaults        struct{ Run struct{ Shell string } }
	Strategy        struct{ Matrix any }
	Container       any
	Services        map[string]any
	Secrets         any
	TimeoutMinutes  any  `yaml:"timeout-minutes"`
	ContinueOnError bool `yaml:"continue-on-error"`
	Steps           []workflowStep
}

// workflowStep is a script, or the use of an action.
type workflowStep struct {
	ID, If, Uses, Run, Shell string
	With, Env                map[string]any
	ContinueOnError          bool `yaml:"continue-on-error"`
}

// parseWorkflow reads a workflow. Its key "on" is a text in YAML 1.2.
func parseWorkflow(text string) (w workflow, err error) {
	err = yaml.Unmarshal([]byte(text), &w)
	return w, err
}

var (
	// pinned matches an action by its commit.
	pinned = regexp.MustCompile(`^[^@]+@[0-9a-f]{40}$`)
	// piped matches a script that runs what it downloads.
	piped = regexp.MustCompile(`(curl|wget)[^\n|]*\|\s*(sudo\s+)?(ba|da|z)?sh\b|(ba)?sh <\((curl|wget)|(ba)?sh -c "\$\((curl|wget)`)
	// quiet matches what keeps a script's failure from failing its step.
	quiet = regexp.MustCompile(`\|\|\s*(true\b|:|exit 0\b|echo\b)|\bset \+e\b|;\s*true\s*$`)
	// steers matches variables that change what a command does, or which it is.
	steers = regexp.MustCompile(`^(GO[A-Z]|CGO_|BASH|SHELLOPTS$|PATH$|LD_|PYTHON|CI$)`)
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
	for _, image := range append(slices.Collect(maps.Values(job.Services)), job.Container) {
		if image != nil && !strings.Contains(fmt.Sprint(image), "@sha256:") {
			say("the image of %v is not pinned to its digest", image)
		}
	}
	for i, step := range job.Steps {
		for _, problem := range append(auditScript(step), auditUse(step)...) {
			say("step %d: %s", i+1, problem)
		}
	}
	return problems
}

// auditScript finds what makes a step's script unsafe.
func auditScript(step workflowStep) (problems []string) {
	script := fmt.Sprint(step.Run, step.Shell, step.With["script"])
	if strings.Contains(script, "${{") {
		problems = append(problems, "a script has ${{ in it, which may be text of others; pass it by env")
	}
	if piped.MatchString(script) || latest.MatchString(script) {
		problems = append(problems, "a script runs what it downloads, unseen")
	}
	return problems
}

// auditUse finds what makes a step's use of an action unsafe, or means nothing to the
// action.
func auditUse(step workflowStep) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	action, _, _ := strings.Cut(step.Uses, "@")
	if action == "" || strings.HasPrefix(action, "./") || ours(step.Uses) || strings.HasPrefix(action, "acme/") {
		return nil
	}
	if action == "actions/checkout" && fmt.Sprint(step.With["persist-credentials"]) != "false" {
		say("the checkout leaves the job's token in the workspace; set persist-credentials: false")
	}
	if action == "actions/checkout" && strings.Contains(fmt.Sprint(step.With["ref"], step.With["repository"]), "head") {
		say("it checks out what somebody else sent")
	}
	known, ok := actionInputs[action]
	if !ok {
		say("nothing is known of the inputs of %s; add it to actionInputs in audit_test.go", action)
		return problems
	}
	for input, value := range step.With {
		allowed, ok := known[input]
		switch {
		case !ok:
			say("%s has no input %s", action, input)
		case allowed != "" && !regexp.MustCompile(`^(`+allowed+`)$`).MatchString(fmt.Sprint(value)):
			say("%s of %s is %v", input, action, value)
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
	"actions/attest":               {"subject-name": "", "subject-digest": "", "subject-path": "", "sbom-path": "", "push-to-registry": "true|false", "create-storage-record": "true|false"},
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

// writes are the jobs of this repository whose token may change anything. A person
// stands before each, but for what CodeQL finds.
var writes = map[string][]string{
	"release.yml image":   {"attestations", "id-token", "packages"},
	"release.yml files":   {"attestations", "id-token"},
	"release.yml draft":   {"contents"},
	"published.yml major": {"contents"},
	"codeql.yml analyze":  {"security-events"},
}

// keys are the secrets of this repository's workflows, by the job that may use them.
var keys = map[string][]string{"published.yml major": {"MAJOR_TAG_KEY"}}

// secret matches a use of a secret, and its name.
var secret = regexp.MustCompile(`secrets\.(\w+)`)

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
	if file == "published.yml" && slices.Contains(names(w.On), "release") {
		say("a release's commit has no workflows, where GitHub would look for one")
	}
	allowed := 0
	for at, secrets := range keys {
		if job, ok := w.Jobs[strings.TrimPrefix(at, file+" ")]; ok && job.Environment == "release" {
			for _, step := range job.Steps {
				for _, m := range secret.FindAllStringSubmatch(fmt.Sprint(step.Env), -1) {
					if slices.Contains(secrets, m[1]) {
						allowed++
					}
				}
			}
		}
	}
	if n := strings.Count(text, "secrets."); n != allowed {
		say("it uses a secret; the job's own token is enough, but for keys in audit_test.go")
	}
	checks := !releases
	for name, job := range w.Jobs {
		if checks && job.If != "" {
			say("job %s has a condition; a check is for every change", name)
		}
		for _, shell := range []string{w.Defaults.Run.Shell, job.Defaults.Run.Shell} {
			if shell != "" && shell != "bash" {
				say("job %s: the shell %s may not end at what fails", name, shell)
			}
		}
		for _, variable := range slices.Concat(names(w.Env), names(job.Env)) {
			if steers.MatchString(variable) {
				say("job %s: %s changes what its commands do", name, variable)
			}
		}
		got := written(job.Permissions)
		if want := writes[file+" "+name]; !slices.Equal(got, want) {
			say("job %s may write %q, want %q; a change is for writes in audit_test.go, too", name, got, want)
		}
		if releases && len(got) > 0 && job.Environment != "release" {
			say("job %s writes without environment: release, where a person stands in between", name)
		}
		if want := needs[file+" "+name]; !slices.Equal(names(job.Needs), want) {
			say("job %s needs %q, want %q; a change is for needs in audit_test.go, too", name, names(job.Needs), want)
		}
		if strings.Contains(fmt.Sprint(job.RunsOn), "self-hosted") {
			say("job %s runs on a machine that keeps what others left", name)
		}
		if off(job.If) || job.ContinueOnError {
			say("job %s is turned off, or may fail unseen", name)
		}
		for i, step := range job.Steps {
			action, _, _ := strings.Cut(step.Uses, "@")
			if checks && step.If != "" && step.Run != "" || step.Shell != "" && step.Shell != "bash" || slices.ContainsFunc(names(step.Env), steers.MatchString) {
				say("job %s: step %d has a condition, a shell or a variable by which a check may not run", name, i+1)
			}
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

// off reports whether a condition is never met, or continues after a failure.
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
	case map[string]string:
		all = slices.Collect(maps.Keys(v))
	}
	slices.Sort(all)
	return all
}
