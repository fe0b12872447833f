import Dispatch
import Foundation
import Training

/// Turns Ctrl-C and termination into a stop signal, so that training ends at a checkpoint.
///
/// A second signal ends the process at once, as it would without us.
public final class SignalStop {
  public let stop: StopSignal
  private let sources: [any DispatchSourceSignal]

  public init(stop: StopSignal = StopSignal()) {
    self.stop = stop
    let queue = DispatchQueue(label: "dragoman.signals")
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if stop.isRequested {
          // Dispatch blocks signals on its threads: raised here it would only wait.
          var own = sigset_t()
          sigemptyset(&own)
          sigaddset(&own, number)
          signal(number, SIG_DFL)
          pthread_sigmask(SIG_UNBLOCK, &own, nil)
          raise(number)
        }
        stop.request(signal: Int(number))
      }
      source.resume()
      return source
    }
  }

  deinit { for source in sources { source.cancel() } }
}
