package diagnosis

import "pipecat-cloud-deploy/internal/verdict"

// crash is a text with what else is known of it, as the tests write it down.
type crash struct {
	Text, Log string // Log is the agent's
	ExitCode  *int
	Reason    verdict.Reason
	Cause     verdict.Cause
	Code      string
	Profile   string
}

// facts has the text as the evidence that it is for its reason.
func (c crash) facts() Facts {
	f := verdict.Failure{}
	switch c.Reason {
	case verdict.Build:
		f.Show(verdict.FromBuildLog, c.Text)
	case verdict.Refused, verdict.ImagePull, verdict.ImagePlatform, verdict.Infrastructure, verdict.NotScheduled:
		f.Show(verdict.FromPlatform, c.Text)
	default:
		f.Show(verdict.FromContainer, c.Text)
	}
	f.Show(verdict.FromAgentLog, c.Log)
	return Facts{Evidence: f.Evidence, ExitCode: c.ExitCode, Reason: c.Reason, Cause: c.Cause, Code: c.Code, Profile: c.Profile}
}

// printed is what a container printed.
func printed(text string) []verdict.Evidence {
	return []verdict.Evidence{{From: verdict.FromContainer, Text: text}}
}

// textOfAll is all evidence.
func textOfAll(facts Facts) string {
	f := verdict.Failure{Evidence: facts.Evidence}
	return f.Output()
}
