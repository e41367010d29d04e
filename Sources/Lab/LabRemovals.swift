import Documents

/// The steps in which expired connections are removed.
///
/// The kernel removes one when its garbage collector comes around, which goes through the connections of all namespaces of the machine, or when a
/// packet or a listing meets it. So the event may be one of an earlier step in one answer than in the other. It is moved there if the listings of
/// the other answer have not had the connection since.
///
/// The corresponding kernel functions are `gc_worker` and `nf_ct_gc_expired`.
enum LabRemovals {
  /// An answer, in which removals are in the steps in which the other answer has them, if these are earlier.
  ///
  /// - Parameter waits: the steps in which time passes; what is removed in another is not moved there.
  static func settle(_ answer: JSONValue, beside other: JSONValue, in waits: [Bool]) -> JSONValue {
    guard case .object(var result) = answer, var steps = answer["steps"]?.elements, let others = other["steps"]?.elements else {
      return answer
    }
    for (early, theirs) in others.enumerated() where early < steps.count && early < waits.count && waits[early] {
      for (place, event) in (theirs["ct"]?.elements ?? []).enumerated() where event["event"] == "DESTROY" {
        guard !events(steps[early]).contains(event),
          let late = (early + 1..<steps.count).first(where: { events(steps[$0]).contains(event) }),
          !steps[early..<late].contains(where: { lists(event, $0) })
        else { continue }
        steps[late] = replacing(events(steps[late]).filter { $0 != event }, in: steps[late])
        var moved = events(steps[early])
        moved.insert(event, at: min(place, moved.count))
        steps[early] = replacing(moved, in: steps[early])
      }
    }
    result["steps"] = .array(steps)
    return .object(result)
  }

  private static func events(_ step: JSONValue) -> [JSONValue] { step["ct"]?.elements ?? [] }

  /// Whether the connection of an event is listed after a step.
  private static func lists(_ event: JSONValue, _ step: JSONValue) -> Bool {
    (step["conntrack"]?.elements ?? []).contains { entry in
      ["proto", "orig", "zone"].allSatisfy { entry[$0] == event[$0] }
    }
  }

  private static func replacing(_ events: [JSONValue], in step: JSONValue) -> JSONValue {
    guard case .object(var changed) = step else { return step }
    changed["ct"] = .array(events)
    return .object(changed)
  }
}
