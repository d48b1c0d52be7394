"""Views and messages have the same fields, and requests arrive as REST words them."""

import pytest
from google.protobuf.message import Message
from pydantic import BaseModel

from service.core.errors import InvalidRequestError
from service.rpc.from_proto import from_proto, request_of
from service.rpc.stubs.zoo.v1 import (
    accuracy_service_pb2,
    concept_service_pb2,
    dataset_pb2,
    dataset_service_pb2,
    job_pb2,
    layer_selection_pb2,
    method_service_pb2,
    model_pb2,
    model_service_pb2,
    transferability_service_pb2,
)
from service.rpc.to_proto import to_proto
from service.views import (
    accuracies,
    concept_searches,
    datasets,
    jobs,
    layer_selections,
    lineages,
    maps,
    models,
    predictions,
    rankings,
    readings,
    units,
)

PAIRS: list[tuple[type[BaseModel], type[Message]]] = [
    (models.ModelView, model_pb2.Model),
    (models.LayerView, model_pb2.Layer),
    (models.LayerListView, model_service_pb2.ListLayersResponse),
    (models.NeighborView, model_service_pb2.Neighbor),
    (models.NeighborsView, model_service_pb2.ListNeighborsResponse),
    (predictions.ClassPredictionView, model_service_pb2.Prediction),
    (predictions.ImageClassesView, model_service_pb2.ImageClasses),
    (readings.TextPredictionView, model_service_pb2.Texts),
    (readings.ClipTextView, model_service_pb2.ClipText),
    (readings.TokenTextView, model_service_pb2.TokenText),
    (readings.AlternativeTextView, model_service_pb2.AlternativeText),
    (readings.StageTextView, model_service_pb2.StageText),
    (readings.OracleTextView, model_service_pb2.OracleText),
    (readings.ClipFactsView, model_service_pb2.ClipFacts),
    (readings.ClipProblemView, model_service_pb2.ClipProblem),
    (lineages.LineageView, model_service_pb2.Lineage),
    (lineages.LineageNodeView, model_service_pb2.LineageNode),
    (lineages.LineageEdgeView, model_service_pb2.LineageEdge),
    (datasets.DatasetView, dataset_pb2.Dataset),
    (datasets.ImageView, dataset_service_pb2.ImageInfo),
    (jobs.JobView, job_pb2.Job),
    (jobs.JobProgressView, job_pb2.JobProgress),
    (jobs.JobEventView, job_pb2.JobEvent),
    (jobs.ArtifactView, job_pb2.Artifact),
    (jobs.MethodView, method_service_pb2.Method),
    (accuracies.AccuracyView, accuracy_service_pb2.Accuracy),
    (accuracies.AddedAccuraciesView, accuracy_service_pb2.AddAccuraciesResponse),
    (rankings.RankingView, transferability_service_pb2.Ranking),
    (rankings.RankingItemView, transferability_service_pb2.RankingItem),
    (rankings.UnrankedView, transferability_service_pb2.UnrankedModel),
    (rankings.BaselineView, transferability_service_pb2.Baseline),
    (rankings.BestSetView, transferability_service_pb2.BestSet),
    (concept_searches.ConceptSearchView, concept_service_pb2.ConceptSearch),
    (concept_searches.FoundUnitView, concept_service_pb2.FoundUnit),
    (concept_searches.UnsearchedModelView, concept_service_pb2.UnsearchedModel),
    (concept_searches.ConceptSearchCostView, concept_service_pb2.ConceptSearchCost),
    (concept_searches.ConceptSearchSummaryView, concept_service_pb2.ConceptSearchSummary),
    (units.UnitView, concept_service_pb2.Unit),
    (units.SimilarUnitView, concept_service_pb2.SimilarUnit),
    (units.SimilarUnitsView, concept_service_pb2.ListSimilarUnitsResponse),
    (maps.MapSnapshotView, transferability_service_pb2.MapSnapshot),
    (layer_selections.LayerSelectionView, layer_selection_pb2.LayerSelection),
    (layer_selections.LayerScoreView, layer_selection_pb2.LayerScore),
    (layer_selections.LayerChoiceView, layer_selection_pb2.LayerChoice),
    (layer_selections.LayerBaselinesView, layer_selection_pb2.LayerBaselines),
]


@pytest.mark.parametrize(("view", "message"), PAIRS, ids=lambda side: side.__name__)
def test_a_view_and_its_message_have_the_same_fields(view, message):
    assert set(view.model_fields) == {field.name for field in message.DESCRIPTOR.fields}


def test_a_field_that_the_message_lacks_is_an_error():
    with pytest.raises(ValueError, match="color"):
        to_proto({"name": "conv", "color": "red"}, model_pb2.Layer)


def test_what_is_null_is_not_set_and_states_get_their_names():
    message = to_proto({"items": [{"state": "ready", "flops": None}]}, MODELS)

    assert message.items[0].state == model_pb2.MODEL_STATE_READY
    assert not message.items[0].HasField("flops")


MODELS = model_service_pb2.ListModelsResponse


def test_a_choice_of_types_is_one_field():
    wire = model_service_pb2.CreateAttributionsRequest

    listed = from_proto(wire(list={"values": [3, 0]}))
    spanned = from_proto(wire(range={"start": 1, "stop": 2}))

    assert (listed, spanned) == ({"indices": [3, 0]}, {"indices": {"start": 1, "stop": 2}})


def test_a_state_without_a_name_is_refused_and_zero_says_nothing():
    wire = model_service_pb2.ListModelsRequest

    with pytest.raises(InvalidRequestError) as refused:
        request_of(models.ModelQuery, wire(state=99), where="query")

    assert refused.value.errors[0].pointer == "/state"
    assert from_proto(wire(state=model_pb2.MODEL_STATE_UNSPECIFIED, name="")) == {"name": ""}


def test_a_page_of_a_wrong_size_is_refused_with_a_pointer():
    with pytest.raises(InvalidRequestError) as refused:
        request_of(
            models.ModelQuery, model_service_pb2.ListModelsRequest(page_size=0), where="query"
        )

    assert refused.value.errors[0].pointer == "/query/page_size"
