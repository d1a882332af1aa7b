package main

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var breakIt = flag.Bool("broken", false, "see whether the search finds what is broken on purpose")

// breakages are versions of the program that break an invariant of the search,
// each by one edit.
var breakages = []struct{ what, file, old, new string }{
	{"green by the revision before", "poll/judge.go",
		"if lags(doc, rules) || doc.ReconciledDeploymentID != rules.Ours {", "if doc.Ready {\n\t\treturn verdict.Verdict{Status: verdict.Ready}, m\n\t}\n\tif lags(doc, rules) {"},
	{"green before it was ready for long enough", "poll/judge.go",
		"if at.Sub(m.readySince) < rules.MinReady {", "if false {"},
	{"green with another's deployment", "deploy/apply.go",
		"switch other := differs(a.Settings, agent); {", `switch other := ""; {`},
	{"red though nothing went wrong", "poll/judge.go",
		"	case rules.Previous, rules.Restores:\n\t\treturn true", "	case rules.Previous:\n\t\treturn false"},
	{"two deployments for one request", "deploy/apply.go",
		"if a.open {\n\t\t\tif agent", "if false {\n\t\t\tif agent"},
	{"an agent that a read had missed, taken for a new one", "deploy/deploy.go",
		"return c.Missed.Add(-clocksApart)", "return time.Unix(0, 0)"},
	{"sent again after it was refused", "deploy/apply.go",
		"case !e.Temporary():", "case false:"},
	{"no end at the deadline", "deploy/apply.go",
		"context.WithDeadline(ctx, deadline)", "context.WithDeadline(ctx, deadline.Add(time.Minute))"},
	{"a request without a limit", "pipecat/client.go",
		"writeLimit = 30 * time.Second", "writeLimit = 90 * time.Second"},
	{"no end when it is stopped", "poll/watch.go",
		"		case <-ctx.Done():\n\t\t\ttimer.Stop()", "		case <-context.Background().Done():\n\t\t\ttimer.Stop()"},
	{"no outputs when it is stopped", "summary/finish.go",
		`if path := r.getenv("GITHUB_OUTPUT"); path != "" {`, `if path := r.getenv("GITHUB_OUTPUT"); path != "" && v.Status != verdict.Cancelled {`},
	{"no deployment-id when the answer names it", "summary/events.go",
		"r.deployment = t.ID", `r.deployment = strings.Repeat("", len(t.ID))`},
	{"exit code 0 when the time is up", "verdict/verdict.go",
		"return s == Ready ||", "return s == Ready || s == TimedOut ||"},
	{"a summary in green when the job is red", "summary/headline.go",
		`return "✗ " + strings.TrimRight(`, `return "✓ " + strings.TrimRight(`},
	{"a crash that the runner obeys", "summary/text.go",
		`return strings.ReplaceAll(s, "##[", "## [")`, "return s"},
	{"the key in another header", "main.go",
		`UserAgent: "pipecat-cloud-deploy/" + versionName()`, `UserAgent: "pipecat-cloud-deploy/" + versionName() + string(cfg.APIKey)`},
	{"the key in the log", "summary/events.go",
		`r.say("Taken as deployment %s; before, it was %s.", t.ID, short(t.Previous))`, `r.log.line("Taken as deployment %s, with %s", t.ID, string(r.key))`},
	{"a goroutine that is left", "pipecat/client.go",
		"defer resp.Body.Close()", ""},
	{"a rollback over another's deployment", "deploy/rollback.go",
		`if a.Undoes == "" {`, `if a.Undoes != a.Name {`},
	{"a rollback of what may be another's", "deploy/rollback.go",
		"case made.Doubtful:", "case false:"},
	{"silent for minutes", "poll/watch.go",
		"signOfLife = 30 * time.Second", "signOfLife = 10 * time.Minute"},
}

// TestSearchFinds breaks the program, and holds that the search finds it:
//
//	go test -run SearchFinds . -v -args -broken
//
// Without the flag it only holds that each edit can be made.
func TestSearchFinds(t *testing.T) {
	found := regexp.MustCompile(`seed \d+: .*`)
	if *breakIt { // what is found in any case says nothing
		if out, err := exec.Command("go", "test", "-run", "Search$", ".", "-args", "-runs", "30000").CombinedOutput(); err != nil {
			t.Fatalf("the search finds something as it is:\n%s", out)
		}
	}
	for _, b := range breakages {
		t.Run(b.what, func(t *testing.T) {
			text, err := os.ReadFile(b.file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), b.old); n != 1 {
				t.Fatalf("%s has %q %d times, want once", b.file, b.old, n)
			}
			if !*breakIt {
				return
			}
			dir := t.TempDir()
			whole, _ := filepath.Abs(b.file)
			broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
			replace, _ := json.Marshal(map[string]any{"Replace": map[string]string{whole: broken}})
			for file, data := range map[string][]byte{broken: []byte(strings.Replace(string(text), b.old, b.new, 1)), overlay: replace} {
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command("go", "test", "-overlay", overlay, "-run", "Search$", ".", "-args", "-runs", "30000").CombinedOutput()
			if first := found.Find(out); err == nil || first == nil {
				t.Errorf("it is not found:\n%s", out)
			} else {
				t.Logf("%s", first)
			}
		})
	}
}
