package summary

import (
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/verdict"
)

// start is when each job begins.
var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// player makes the entries of a job, at times that it sets itself.
type player struct {
	handle func(event.Entry)
	agent  string
	at     time.Time
	step   event.Step
}

func play(handle func(event.Entry), agent string) *player {
	return &player{handle: handle, agent: agent, at: start, step: event.Inputs}
}

// in is the player in another step.
func (p *player) in(s event.Step) *player {
	p.step = s
	return p
}

func (p *player) emit(events ...event.Event) *player {
	for _, e := range events {
		p.handle(event.Entry{Agent: p.agent, Step: p.step, At: p.at, Event: e})
	}
	return p
}

// after lets time pass.
func (p *player) after(d time.Duration) *player {
	p.at = p.at.Add(d)
	return p
}

// red is the event of a job that failed.
func red(f verdict.Failure) event.Finished { return event.Finished{Result: verdict.Of("", &f)} }

// green is the event of a job that did not.
func green(s verdict.Status) event.Finished { return event.Finished{Result: verdict.Of(s, nil)} }
