package poll_test

import (
	"fmt"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/poll"
)

// A crash loop that shows at two polls in a row is a verdict; one alone may be old
// news. Between polls, the judge's memory is a History.
func ExampleJudge() {
	target := revision.Target{ID: "new", Previous: "old"}
	doc := &pipecat.Agent{DesiredDeploymentID: "new", ReconciledDeploymentID: "old", Ready: pipecat.True}
	start := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

	var history poll.History
	judge := func(after time.Duration) {
		done, failure, next := poll.Judge(revision.Observe(doc, target), poll.Policy{MaxRestarts: 2}, history, start.Add(after))
		history = next
		fmt.Println(after, done)
		if failure != nil {
			fmt.Printf("%s: %s\n", failure.Reason, failure.Message)
		}
	}
	judge(2 * time.Second) // the old deployment is ready, which proves nothing

	exit := 1
	doc.ReconciledDeploymentID, doc.Ready = "new", pipecat.False
	doc.CurrentRevision = &pipecat.Revision{DeploymentID: "new", Phase: pipecat.Validating, Health: &pipecat.Health{
		Reason: "CrashLoopBackOff", LastExitCode: &exit, RestartCount: new(1), ReplicasStarted: 1, Message: "KeyError: 'OPENAI_API_KEY'"}}
	judge(4 * time.Second)
	judge(6 * time.Second)
	// Output:
	// 2s false
	// 4s false
	// 6s true
	// crash: the new revision crashes (exit code 1, 1 restart)
}
