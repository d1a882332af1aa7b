package e2e

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
var breakages = []struct{ what, old, new string }{
	{"rule 5: green by the revision before",
		"if !o.Reconciled {", "if o.Serving == revision.ServingPrevious {\n\t\treturn true, nil, h\n\t}\n\tif !o.Reconciled {"},
	{"green before it was ready for long enough",
		"return at.Sub(h.readySince) >= p.MinReady, nil, h", "return true, nil, h"},
	{"green with another client's deployment",
		"case asked.Match == settings.Different:", "case false:"},
	{"red though nothing went wrong",
		"	case t.Previous, t.Original:\n\t\treturn true", "	case t.Previous:\n\t\treturn false"},
	{"two deployments for one request",
		"	for len(delays) > 0 {\n", "	for (final != nil || a.last.Status == 200) && len(delays) > 0 {\n"},
	{"an agent that a read had missed, taken for a new one",
		"t.CreatedAt = b.At.Add(-clocksApart)", "t.CreatedAt = time.Unix(0, 0)"},
	{"sent again after it was refused",
		"	case responseRefused, responseRefusedByAPI:\n", "	case -1:\n"},
	{"no end at the deadline",
		"timed, cancel := context.WithDeadline(ctx, deadline)\n\tdefer cancel()\n\tagent, a, err", "timed, cancel := context.WithDeadline(ctx, deadline.Add(time.Minute))\n\tdefer cancel()\n\tagent, a, err"},
	{"a request without a limit",
		"writeLimit = 30 * time.Second", "writeLimit = 90 * time.Second"},
	{"no end when it is stopped",
		"	case <-timer.C:\n\t\treturn ctx.Err()\n\tcase <-ctx.Done():", "	case <-timer.C:\n\t\treturn ctx.Err()\n\tcase <-context.Background().Done():"},
	{"no outputs when it is stopped",
		`if path := r.env.OutputFile(); path != "" {`, `if path := r.env.OutputFile(); path != "" && first.status != verdict.Cancelled {`},
	{"no deployment-id when the answer names it",
		"r.accepted, r.deploymentID, r.region = &ev, ev.ID,", `r.accepted, r.deploymentID, r.region = &ev, "",`},
	{"exit code 0 when the time is up",
		"	if s.OK() {\n", "	if s.OK() || s == TimedOut {\n"},
	{"a summary in green when the job is red",
		`return headline{"✗", text + end,`, `return headline{"✓", text + end,`},
	{"a crash that the runner obeys",
		`return strings.ReplaceAll(s, "##[", "## [")`, "return s"},
	{"the key in another header",
		`cfg.Client("pipecat-cloud-deploy/"+version.Name(), transport)`, `cfg.Client("pipecat-cloud-deploy/"+version.Name()+string(cfg.APIKey), transport)`},
	{"the key in the log",
		`l.say("Deployment %s accepted (replaces %s).", a.ID, short(a.Previous))`, `l.items = append(l.items, line("Taken, with "+l.r.Cleaner.Secrets[len(l.r.Cleaner.Secrets)-1]))`},
	{"a goroutine that is left",
		"defer resp.Body.Close()\n\te.Status = resp.StatusCode\n", "e.Status = resp.StatusCode\n"},
	{"a rollback over another client's deployment",
		"if a.Reverts == nil {\n\t\treturn nil, nil", "if a.Reverts == nil || true {\n\t\treturn nil, nil"},
	{"a rollback of what may be another client's",
		"case accepted.Ambiguous:", "case false:"},
	{"silent for minutes",
		"heartbeat = 30 * time.Second", "heartbeat = 10 * time.Minute"},

	// The rules of poll.Judge, and what is read of a document for them.
	{"rule 1: a document of no deployment is one of the agent",
		"case a.Desired() == \"\":", "case false:"},
	{"rule 2: another client's deployment is not seen",
		"	case o.Superseded:", "	case false:"},
	{"rule 3: a stale document is accepted",
		"	if o.Stale {\n\t\treturn false, nil, h\n\t}", "	if o.Stale {\n\t\treturn true, nil, h\n\t}"},
	{"rule 4: errors before reconciliation are ignored",
		"	if f, h = judgeErrors(o, h, at); f != nil {", "	if f, h = judgeErrors(o, h, at); f != nil && o.Reconciled {"},
	{"rule 4: an error does not keep it from being ready",
		"o.ReadyReplicas < p.MinReplicas || !h.errorSince.IsZero() {", "o.ReadyReplicas < p.MinReplicas {"},
	{"rule 4: errors that were there before are ours",
		"!o.Stale && !slices.Contains(t.KnownErrors, e)", "!o.Stale && (true || !slices.Contains(t.KnownErrors, e))"},
	{"rule 6: a crash loop at one poll",
		"if tooMany || looping && h.crashLooped {", "if tooMany || looping {"},
	{"rule 6: a crash loop is no failure",
		"if tooMany || looping && h.crashLooped {", "if tooMany {"},
	{"rule 6: restarts count while it serves",
		"tooMany := !o.Serves && restarts", "tooMany := restarts"},
	{"rule 6: restarts of a long life count",
		"if o.Target.Unchanged() { // which may", "if false { // which may"},
	{"rule 6: an image that cannot be pulled is waited for",
		"	grace, stuck := cannotStart(health)\n", "	grace, stuck := cannotStart(health)\n\tgrace += time.Hour\n"},
	{"rule 7: ready where it is absent",
		"a.Ready == True || a.Ready == Absent && a", "a.Ready == True && a"},
	{"rule 7: ready by the deprecated field",
		"a.Ready == Absent && a.ActiveDeploymentReady", "a.ActiveDeploymentReady"},
	{"rule 7: ready though it is not available",
		"doc.IsReady() && doc.Available != pipecat.False && doc.Rec", "doc.IsReady() && doc.Rec"},
	{"rule 7: ready with a replica that crashes",
		"doc.ReconciledDeploymentID == t.ID && !failing", "doc.ReconciledDeploymentID == t.ID && (!failing || true)"},
	{"rule 7: ready only with a separate revision",
		"o.Serves = ready && o.Reconciled", "o.Serves = ready && o.Reconciled && o.HasRevision"},
	{"rule 7: min-ready-seconds do not start over",
		"h.failedReads, h.readySince = 0, time.Time{}", "h.failedReads = 0"},
	{"rule 7: failed reads do not end the time of being ready",
		"if h.failedReads++; h.failedReads > forgivenReads {", "if h.failedReads++; h.failedReads > 1000 {"},
	{"rule 8: a value of the wrong type is true",
		"	default:\n\t\t*f = Odd", "	default:\n\t\t*f = True"},

	// The test call, and the watch after it.
	{"a session is live by the platform's clock",
		"e.For = time.Since(since)", "e.For = max(time.Since(since), time.Since(e.Session.CreatedAt.Time))"},
	{"a log that was not read shows no exception",
		"case s.Live() && e.For >= liveFor && e.Logged:", "case s.Live() && e.For >= liveFor:"},
	{"starts that may be accepted are not counted",
		"	return e.Status >= 400 && e.Status < 500\n}", "	return true\n}"},
	{"a session is not ended",
		"	defer t.end(ctx, session, emit) // and", "	// and"},
	{"a call of what another client has replaced",
		"	if target.IsSuperseded(agent) {", "	if false {"},
	{"a watch ends well while nothing serves",
		"over := serves && !time.Now()", "over := !time.Now()"},
	{"callers of before the watch count",
		"case b.before[s.ID]:", "case false:"},
	{"callers of another deployment count",
		"case s.DeploymentID != b.target.ID:", "case false:"},
	{"a caller who meets an exception does not count",
		"e.failed, e.known = true, true", "e.known = true"},
	{"a caller who sends no offer counts",
		"e.failed, e.void, e.known = false, true, true", "e.known = true"},
	{"half of the callers are most",
		"2*failed > total", "2*failed >= total"},

	// Secrets.
	{"an update before the secret set is ready",
		"	case s.IsReady():\n", "	case s.IsReady(), true:\n"},
	{"an update without the secrets",
		"		return p, err\n\t}\n\tp.Stored = true\n", "		return p, nil\n\t}\n\tp.Stored = true\n"},
	{"secrets that may be stored are said not to be",
		"s.unclear = !clear || classify(s.err) != responseRefusedByAPI", "s.unclear = false && clear"},
	{"secrets that are stored are forgotten",
		"case r.responsesLost > 0, r.plan != nil && r.plan.Secrets != nil, r.failure", "case r.responsesLost > 0, r.failure"},
	{"secrets in the log",
		"report.Mask(config.Masked(env)...)", "report.Mask(string(config.Key(env)))"},

	// What is claimed of an update, and what may be sent.
	{"no read before a claim",
		"	for len(delays) > 0 {\n", "	for final == nil && len(delays) > 0 {\n"},
	{"a claim by the first read",
		"delays := []time.Duration{0, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}", "delays := []time.Duration{0}"},
	{"no comparison of settings",
		"	worst := Comparison{Match: Same}\n", "	worst := Comparison{Match: Same}\n\tif len(table) > 0 {\n\t\treturn worst\n\t}\n"},
	{"a stale answer is accepted",
		"	case !stale && !differs, maybe", "	case true, maybe"},
	{"a response is from before what reads have shown",
		"a.previous() && a.earlier == \"\" // reads", "a.previous() // reads"},
	{"a deployment that another has replaced is forgotten",
		"if final != nil && a.busyBefore && a.earlier != \"\" && a.responsesLost == 0 {", "if false {"},
	{"a document without a secret set shows one",
		"if s.Status == \"\" && s.Secrets == nil {", "if false {"},
	{"a creation that meets an agent claims it",
		"{ // the creation was refused because of this agent\n\t\treturn nil, &existing{agent}", "{ // the creation was refused because of this agent\n\t\treturn agent, nil"},
	{"scaling is claimed by another client's deployment",
		"case !a.answered && !a.NeedsDeployment() && a.moves(agent):", "case false:"},
	{"a redirect counts as a refusal",
		"	if a.responsesLost == 0 && !a.explained && !a.isRefusedByAPI() &&", "	if false &&"},
	{"a request that was busy is forgotten once the next is refused",
		"a.isRefusedByAPI() && !a.busyBefore", "a.isRefusedByAPI()"},
	{"a document keeps what a try before has read",
		"	clearAnswer(out) // of a try before", "	// of a try before"},
}

// SearchFinds breaks the program, and holds that the search finds it:
//
//	go test -run SearchFinds . -v -args -broken
//
// Without the flag it only holds that each edit can be made, and compiles.
func SearchFinds(t *testing.T) {
	t.Parallel()
	found := regexp.MustCompile(`seed \d+: .*`)
	if *breakIt { // what is found in any case says nothing
		if out, err := exec.Command("go", "test", "-timeout", "60m", "-run", "Search$", ".", "-args", "-runs", "30000").CombinedOutput(); err != nil {
			t.Fatalf("the search finds something as it is:\n%s", out)
		}
	}
	all, err := programPackages()
	if err != nil {
		t.Fatal(err)
	}
	compile := compiler(all)
	for _, b := range breakages {
		t.Run(b.what, func(t *testing.T) {
			of, file, err := only(all, b.old)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(of.texts[file], b.old, b.new, 1)
			if !*breakIt {
				if err := compile(of, file, text); err != nil {
					t.Error(err)
				}
				return
			}
			dir := t.TempDir()
			broken, overlay := filepath.Join(dir, "broken.go"), filepath.Join(dir, "overlay.json")
			replace, _ := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(of.Dir, file): broken}})
			for file, data := range map[string][]byte{broken: []byte(text), overlay: replace} {
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out, err := exec.Command("go", "test", "-timeout", "60m", "-overlay", overlay, "-run", "Search$", ".", "-args", "-runs", "30000", "-first").CombinedOutput()
			if first := found.Find(out); err == nil || first == nil {
				t.Errorf("it is not found:\n%s", out)
			} else {
				t.Logf("%s", first)
			}
		})
	}
}
