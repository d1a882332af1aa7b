package summary

import "pipecat-cloud-deploy/internal/verdict"

// Text is a word of the outputs with what it means to people, in Markdown.
type Text struct{ Word, Text string }

// StatusTexts says what each status means, the best first.
func StatusTexts() []Text {
	return []Text{
		{string(verdict.Ready), "the revision that this job asked for serves"},
		{string(verdict.Deployed), "the update was taken, and not waited for (`wait-for-ready: false`)"},
		{string(verdict.Unchanged), "the platform made no new deployment, as nothing that needs one changed, and what it has serves (which `wait-for-ready: false` does not look at); an annotation says so"},
		{string(verdict.Planned), "a dry run showed what would change, and sent nothing (`dry-run: true`)"},
		{string(verdict.Failed), "the inputs are wrong, the update was refused, or the build or the new revision failed"},
		{string(verdict.TimedOut), "there was no verdict within `wait-timeout` or `build-timeout`"},
		{string(verdict.Superseded), "another deployment took over while this one rolled out"},
		{string(verdict.Cancelled), "the job was stopped; a rollout that it started goes on without it"},
		{string(verdict.RolledBack), "the new revision failed, and what ran before is back (`rollback-on-failure: true`)"},
	}
}

// ReasonTexts says what to do about each reason for a red job.
func ReasonTexts() []Text {
	return []Text{
		{string(verdict.Inputs), "An input or the config file is wrong. Each problem is told with what would be right; no update was sent."},
		{string(verdict.Auth), "The API does not take the key. Check that `api-key` is a **Private** key of the organization that owns the agent."},
		{string(verdict.Refused), "The platform did not take the update, or will not run it. Its own words say why: a secret set that does not exist, another region, no billing."},
		{string(verdict.Build), "The cloud build failed, or did not end in time. Its error says why."},
		{string(verdict.Secrets), "The `secrets` were not stored, or their secret set is not ready. The platform's own words say why. The job can be run again: it stores the same secrets."},
		{string(verdict.Crash), "Your agent's code exits. Its own output says why: start there."},
		{string(verdict.OutOfMemory), "The agent needs more memory than it has. Take a larger `agent-profile`."},
		{string(verdict.ImagePull), "The image cannot be fetched. Check its name and tag, and `image-credentials` for a private registry."},
		{string(verdict.ImagePlatform), "The image is for another processor. Build it for `linux/arm64`."},
		{string(verdict.NotScheduled), "No replica was started in time. Look for trouble at the platform, or raise `wait-timeout`."},
		{string(verdict.NotReady), "Replicas run, but did not become ready in time. Look at the agent's log, or raise `wait-timeout`."},
		{string(verdict.Infrastructure), "The platform says that it has trouble of its own. Try again later, or ask its support."},
		{string(verdict.ReasonSuperseded), "Someone else deployed meanwhile. A `concurrency` group keeps two jobs from racing."},
		{string(verdict.ReasonCancelled), "The job was stopped. If the update was under way, look at the agent before you run it again."},
		{string(verdict.API), "The API did not answer, or not in a way that this action understands. Try again."},
		{string(verdict.Internal), "This action has a fault of its own; it says nothing about your agent. Look at the agent before you run the job again, and report the error."},
	}
}

// advice says what to do about a reason; "" when there is no reason.
func advice(reason verdict.Reason) string {
	for _, t := range ReasonTexts() {
		if t.Word == string(reason) {
			return t.Text
		}
	}
	return ""
}
