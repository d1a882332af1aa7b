package summary

import "pipecat-cloud-deploy/internal/verdict"

// Text is a value of an output with what it means to people, in Markdown.
type Text struct{ Word, Text string }

// StatusTexts says what each status means, the best first.
func StatusTexts() []Text {
	return []Text{
		{string(verdict.Ready), "the new version serves calls"},
		{string(verdict.Deployed), "the update was accepted, and the job did not wait for it (`wait-for-ready: false`)"},
		{string(verdict.Unchanged), "nothing changed that needs a new deployment, and the current one serves calls (not checked with `wait-for-ready: false`); an annotation says so"},
		{string(verdict.Planned), "a dry run showed what would change, and sent nothing (`dry-run: true`)"},
		{string(verdict.Checked), "nothing was deployed, and the current deployment serves calls (`check-only: true`)"},
		{string(verdict.Failed), "the inputs are invalid, the update was refused, or the build or the new version failed"},
		{string(verdict.TimedOut), "there was no result within `wait-timeout` or `build-timeout`"},
		{string(verdict.Superseded), "another deployment replaced this one during its rollout"},
		{string(verdict.Cancelled), "the job was stopped; a rollout that it started continues"},
		{string(verdict.RolledBack), "the new version failed, and the previous one was restored (`rollback-on-failure: true`)"},
	}
}

// ReasonTexts says what to do about each reason for a red job.
func ReasonTexts() []Text {
	return []Text{
		{string(verdict.Inputs), "Correct the input or the config file. Nothing was sent."},
		{string(verdict.Auth), "Check that `api-key` is a Private key of the organization that owns the agent."},
		{string(verdict.Refused), "Pipecat Cloud refused the update; its message says why, such as a missing secret set, another region, or no billing."},
		{string(verdict.Build), "Read the build's error, and correct the Dockerfile or what it copies."},
		{string(verdict.Secrets), "The `secrets` were not stored, or their secret set is not ready; the message says why. You can run the job again: it stores the same secrets."},
		{string(verdict.Crash), "Start with the error output: your agent's code exits."},
		{string(verdict.OutOfMemory), "Choose a larger `agent-profile`, or make the agent use less memory."},
		{string(verdict.ImagePull), "Check the image's name and tag, and `image-credentials` for a private registry."},
		{string(verdict.ImagePlatform), "Build the image for `linux/arm64`."},
		{string(verdict.NotScheduled), "No replica was started in time. Check whether Pipecat Cloud has problems, or raise `wait-timeout`."},
		{string(verdict.NotReady), "Find in the agent log what the agent waits for, and whether it serves its port. If it only starts slowly, raise `wait-timeout`."},
		{string(verdict.ReasonNoAnswer), "The test call shows what callers meet: read the agent log of its session, and correct what `bot()` raises or waits for."},
		{string(verdict.ReasonUnproven), "The test call proved nothing, and nothing was rolled back. The message says what stood in its way; `check-only: true` calls again."},
		{string(verdict.Bake), "The new version failed while it was watched. Read the agent log of the failed sessions."},
		{string(verdict.Infrastructure), "Pipecat Cloud reports an infrastructure problem. Try again later, or contact support."},
		{string(verdict.ReasonSuperseded), "The newer deployment is rolling out; there is nothing to do. A `concurrency` group keeps two jobs from racing."},
		{string(verdict.ReasonCancelled), "A rollout that had begun continues. Check the agent before you run the job again."},
		{string(verdict.API), "The API did not respond, or not in a way that this action understands. Check the agent, then try again."},
		{string(verdict.Internal), "This is a fault of this action and says nothing about your agent. Check the agent before you run the job again, and report the error."},
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

// callAdvice says what to do about what a test call has shown; "" where the advice on
// its reason has it.
func callAdvice(cause verdict.Cause) string {
	switch cause {
	case verdict.CallSilent:
		return "Read the agent log of the test call's session, and correct what `bot()` waits for. A bot that speaks only when it is spoken to needs `test-call-say`."
	case verdict.CallNoResponse:
		return "The agent spoke, and then did not answer. Check that `test-call-say` has speech, and read the agent log of the test call's session."
	case verdict.CallLate:
		return "Have the agent greet sooner or keep an instance warm (`min-agents: 1`), or raise `max-answer-time`."
	case verdict.CallSlow:
		return "Have the agent respond sooner, or raise `max-response-time`."
	case verdict.CallNotStarted:
		return "No instance answered the call. Keep one warm (`min-agents: 1`), or raise `max-agents`."
	case verdict.CallAtCapacity:
		return "Raise `max-agents` or `test-call-timeout`, and call again with `check-only: true`."
	case verdict.CallSpendLimit:
		return "Raise the organization's spend limit, and call again with `check-only: true`."
	case verdict.CallKeyRefused:
		return "Set `public-api-key` to a Public key (`pk_…`) of the organization that owns the agent."
	case verdict.CallOldInstance, verdict.CallUnknownDeployment:
		return "Instances of another deployment may still take calls. Call again with `check-only: true` once they are gone."
	case verdict.CallNoMedia:
		return "The runner's network lets no UDP through. Use `test-call: websocket` or `test-call: daily`, or another runner."
	case verdict.CallProtocol:
		return "Set `test-call` to the transport that the bot speaks."
	case verdict.CallNetwork, verdict.CallNotReady, verdict.CallNotShown:
		return "Call again with `check-only: true`."
	case verdict.CallLeft:
		return "A bot that leaves an empty room cannot be checked by `test-call: daily`: use another transport that it speaks."
	}
	return ""
}
