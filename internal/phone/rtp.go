package phone

import (
	"context"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/zaf/g711"
)

// maxLost is how many packets in a row are taken for lost, instead of not sent.
const maxLost = 25

// packets numbers the packets of a call.
type packets struct {
	sequence uint16
	at       uint32 // in samples
}

func (l *peerLine) Rate() int { return narrow }

func (l *peerLine) Say(_ context.Context, samples []int16) error {
	payload := make([]byte, len(samples))
	for i, s := range samples {
		payload[i] = g711.EncodeUlawFrame(s)
	}
	l.mouth.sequence++
	l.mouth.at += uint32(len(samples))
	packet := rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: l.mouth.sequence, Timestamp: l.mouth.at, Marker: l.mouth.sequence == 1}, Payload: payload}
	_ = l.track.WriteRTP(&packet) // when it fails, the call is over, and Hear says why
	return nil
}

// listen hands on the sound of a track until it ends. A lost packet sounds like the
// one before it, so that a loss is neither a silence nor a click.
func (l *peerLine) listen(track *webrtc.TrackRemote) {
	var last uint16
	first := true
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		missing := packet.SequenceNumber - last - 1
		if packet.PayloadType != 0 || !first && missing >= 1<<15 { // comfort noise, or what comes twice or too late
			continue
		}
		samples := make([]int16, len(packet.Payload))
		for i, b := range packet.Payload {
			samples[i] = g711.DecodeUlawFrame(b)
		}
		if !first && missing <= maxLost {
			for range missing {
				l.arrived(Heard{Samples: samples, Rate: narrow})
			}
		}
		l.arrived(Heard{Samples: samples, Rate: narrow})
		last, first = packet.SequenceNumber, false
	}
}
