package phone

import (
	"context"
	"errors"
	"time"

	"pipecat-cloud-deploy/internal/hearing"
)

const (
	// greetingWait is how long a caller who has something to say waits to be greeted.
	greetingWait = 5 * time.Second
	// interrupts is how long a greeting may be before the caller speaks anyway.
	interrupts = 20 * time.Second
	// answers is how long an agent may take to answer what the caller said, where no
	// limit is set.
	answers = 20 * time.Second
	// pause is how long an agent is silent when it is the caller's turn: longer than
	// between two sentences.
	pause = 1200 * time.Millisecond
	// stuck is how long a network may be without losing what it is sent.
	stuck = 500 * time.Millisecond
	// certain is how long after its beginning a sound is known to be a voice or not.
	certain = 400 * time.Millisecond
	// hangUpLimit is how long the end of a call may take.
	hangUpLimit = time.Second

	maxErrors = 10 // of an agent's own that are kept
)

// Plan is how a call is to go. The zero Plan listens until the agent is heard, or
// hangs up.
type Plan struct {
	Say         *Recording    // what the caller says once the agent has spoken; nil: nothing
	Until       time.Time     // when the agent must have been heard; zero: whenever
	MaxAnswer   time.Duration // the longest answer time; 0: any
	MaxResponse time.Duration // the longest response time; 0: any
}

// action is what a caller does next.
type action int

const (
	listen action = iota
	speak
	hangUp
)

// next decides what the caller does, at a time since the connection. It hangs up as
// soon as going on cannot change what is thought of the agent.
func (p Plan) next(c hearing.Call, speaking bool, saying bool, now, until time.Duration) action {
	answer, answered := c.Answer()
	late := p.MaxAnswer > 0 && (answered && answer > p.MaxAnswer || !answered && p.Say == nil && now > p.MaxAnswer+certain)
	switch {
	case late, len(c.Agent) == 0 && until > 0 && now > until+certain:
		return hangUp
	case p.Say == nil && answered:
		return hangUp
	case p.Say == nil || saying:
		return listen
	case len(c.Caller) == 0 && p.turn(c, speaking, now):
		return speak
	case len(c.Caller) == 0:
		return listen
	}
	limit := answers
	if p.MaxResponse > 0 {
		limit = min(limit, p.MaxResponse)
	}
	if speaking {
		limit = max(limit, hearing.Beyond) // until which it may have cut in
	}
	if _, answered := c.Response(); answered || now > c.Caller[0].To+limit+certain {
		return hangUp
	}
	return listen
}

// turn reports whether it is the caller's turn to speak.
func (p Plan) turn(c hearing.Call, speaking bool, now time.Duration) bool {
	if len(c.Agent) == 0 {
		return now >= greetingWait
	}
	last := c.Agent[len(c.Agent)-1]
	return !speaking && now >= last.To+pause || now >= c.Agent[0].From+interrupts
}

// Make calls an agent, and returns what came of it. The error is an *Error: why there
// was no call, or why it broke; an agent that hangs up is none. However it ends, the
// line is closed.
func Make(ctx context.Context, road Road, p Plan) (hearing.Call, error) {
	began := time.Now()
	line, err := p.dial(ctx, road)
	if err != nil {
		if ctx.Err() != nil {
			err = &Error{Problem: Cancelled, Err: ctx.Err()}
		}
		return hearing.Call{Dialed: time.Since(began)}, err
	}
	c := conversation{plan: p, line: line, connected: time.Now(), heard: make(chan arrival, 16)}
	c.call = hearing.Call{Connected: true, Dialed: time.Since(began)}
	err = c.run(ctx)
	c.call.Lasted = c.now()
	return c.call, err
}

// dial connects in time.
func (p Plan) dial(ctx context.Context, road Road) (Line, error) {
	if !p.Until.IsZero() {
		limited, cancel := context.WithDeadline(ctx, p.Until)
		defer cancel()
		ctx = limited
	}
	return road.Dial(ctx)
}

// conversation is a call that is in progress.
type conversation struct {
	plan      Plan
	line      Line
	connected time.Time
	call      hearing.Call
	ear       hearing.Ear
	heard     chan arrival
	mouth     mouth
}

// arrival is what the line brought, or how it ended.
type arrival struct {
	Heard
	at  time.Duration
	err error
}

func (c *conversation) now() time.Duration { return time.Since(c.connected) }

// run listens and speaks until the plan is done, the agent hangs up, or the line
// breaks.
func (c *conversation) run(ctx context.Context) error {
	under, stop := context.WithCancel(context.WithoutCancel(ctx)) // the line ends after the hanging up
	ended := make(chan struct{}, 2)
	go func() { defer func() { ended <- struct{}{} }(); c.listen(under) }()
	spoken := make(chan error, 1)
	speaking, mute := context.WithCancel(under)
	go func() { defer func() { ended <- struct{}{} }(); spoken <- c.mouth.speak(speaking, c.line) }()
	defer func() {
		mute()
		brief, cancel := context.WithTimeout(under, hangUpLimit)
		defer cancel()
		c.line.HangUp(brief)
		stop()
		<-ended
		<-ended
	}()

	tick := time.NewTicker(frame)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return &Error{Problem: Cancelled, Err: ctx.Err()}
		case err := <-spoken:
			return c.drain(err)
		case a := <-c.heard:
			if a.err != nil {
				return c.ended(a.err)
			}
			c.hear(a)
		case <-tick.C:
			c.ear.Silence(c.now() - hearing.Slack)
		}
		if c.proceed() {
			return nil
		}
	}
}

// proceed does what comes next, and reports whether that is hanging up.
func (c *conversation) proceed() (done bool) {
	c.call.Agent = c.ear.Spans()
	from, to, saying := c.mouth.said()
	if !from.IsZero() {
		c.call.Caller = []hearing.Span{{From: from.Sub(c.connected), To: to.Sub(c.connected)}}
	}
	var until time.Duration
	if !c.plan.Until.IsZero() {
		until = max(time.Nanosecond, c.plan.Until.Sub(c.connected))
	}
	switch c.plan.next(c.call, c.ear.Speaking(), saying, c.now(), until) {
	case speak:
		samples := c.plan.Say.at(c.line.Rate())
		c.mouth.say(samples, c.plan.Say.Length())
		c.ear.Say(c.now(), samples, c.line.Rate())
	case hangUp:
		return true
	}
	return false
}

// listen hands on what the line brings, until it ends.
func (c *conversation) listen(ctx context.Context) {
	for {
		h, err := c.line.Hear(ctx)
		select {
		case c.heard <- arrival{h, c.now(), err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (c *conversation) hear(a arrival) {
	switch {
	case a.Foreign:
		c.call.Foreign++
	case a.Error != "" && len(c.call.Errors) < maxErrors:
		c.call.Errors = append(c.call.Errors, a.Error)
	case a.Clear:
		c.ear.Clear(a.at)
	case len(a.Samples) > 0:
		c.call.Sounds++
		c.ear.Hear(hearing.Frame{At: a.at, Samples: a.Samples, Rate: a.Rate})
	}
}

// ended is what the end of the line means, once all that came before it is heard.
func (c *conversation) ended(err error) error {
	c.proceed()
	if hungUp := (*HangUp)(nil); errors.As(err, &hungUp) {
		c.call.HungUp, c.call.CloseCode = true, hungUp.Code
		return nil
	}
	return err
}

// drain hears what had arrived when a line could not be written to any more: the
// reason may be there.
func (c *conversation) drain(err error) error {
	timer := time.NewTimer(stuck)
	defer timer.Stop()
	for {
		select {
		case a := <-c.heard:
			if a.err != nil {
				return c.ended(a.err)
			}
			c.hear(a)
		case <-timer.C:
			return c.ended(err)
		}
	}
}
